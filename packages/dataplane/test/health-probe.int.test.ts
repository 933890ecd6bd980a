/** Real questions to real services, on loopback: answered, refused, silent. */
import { createSocket } from 'node:dgram';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { parseIpv4, type Ipv4 } from '@routerd/resources';
import { systemClock } from '@routerd/runtime';
import { afterEach, expect, test } from 'vitest';
import { createLinuxHealthProbe } from '../src/adapters/linux/linux-health-probe.ts';
import type { HealthQuestion, HealthTarget } from '../src/health/health-probe.ts';
import type { ProbeOutcome } from '../src/health/health-verdict.ts';
import { cable, makeNamespace, type Namespace } from './namespace-rig.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const loopback = quad('127.0.0.1');
const probe = createLinuxHealthProbe({ clock: systemClock });

async function ask(question: HealthQuestion, options: { timeoutMs?: number; interface?: string } = {}) {
  const { timeoutMs = 5000 } = options;
  return probe.ask(loopback, question, { interface: options.interface, timeoutMs }, new AbortController().signal);
}

test('an echo is answered', async () => {
  expect(await ask({ protocol: 'icmp' })).toMatchObject({ kind: 'answered' });
  expect(await ask({ protocol: 'icmp' }, { interface: 'lo' })).toMatchObject({ kind: 'answered' });
});

test('a connection is an answer, and a refused one is none', async () => {
  const server = createServer((socket) => socket.destroy());
  const port = await listening(server);
  expect(await ask({ protocol: 'tcp', port }, { interface: 'lo' })).toMatchObject({ kind: 'answered' });
  await closing.pop()?.();
  expect(failure(await ask({ protocol: 'tcp', port }))).toContain('ECONNREFUSED');
});

test('a page is an answer unless its status says that something is wrong, and silence is a failure', async () => {
  let status = 204;
  const server = createHttpServer((_, response) => {
    if (status !== 0) response.writeHead(status).end();
  });
  const port = await listening(server);
  closing.push(async () => server.closeAllConnections());
  expect(await ask({ protocol: 'http', port })).toMatchObject({ kind: 'answered' });
  status = 503;
  expect(failure(await ask({ protocol: 'http', port }))).toBe('it answers with status 503');
  status = 0;
  expect(failure(await ask({ protocol: 'http', port }, { timeoutMs: 100 }))).toContain('within 100 ms');
});

test('a name server is asked a question that it has to have a response to', async () => {
  const server = createSocket('udp4');
  server.on('message', (query, { port, address }) => {
    server.send(
      Uint8Array.from(query, (byte, at) => (at === 2 ? byte | 0x80 : byte)),
      port,
      address,
    );
  });
  await new Promise<void>((resolve) => {
    server.bind(0, loopback, resolve);
  });
  const { port } = server.address();
  expect(await ask({ protocol: 'dns', port })).toMatchObject({ kind: 'answered' });
  await new Promise<void>((resolve) => {
    server.close(resolve);
  });
  expect(failure(await ask({ protocol: 'dns', port }))).toContain('ECONNREFUSED');
});

test('the default gateway is looked up at each question', async () => {
  const router = await namespace('hr');
  const gateway = await namespace('hg');
  await cable(router, 'wan0', gateway, 'eth0');
  await router.batch('address add 192.0.2.2/24 dev wan0');
  await gateway.batch('address add 192.0.2.1/24 dev eth0');
  const inside = createLinuxHealthProbe({ clock: systemClock, commandPrefix: ['ip', 'netns', 'exec', router.name] });
  const asked = async (target: HealthTarget, timeoutMs = 5000): Promise<ProbeOutcome> =>
    inside.ask(target, { protocol: 'icmp' }, { interface: undefined, timeoutMs }, new AbortController().signal);
  expect(failure(await asked('defaultGateway'))).toBe('there is no default gateway');
  await router.batch('route add default via 192.0.2.1');
  expect(await asked('defaultGateway')).toMatchObject({ kind: 'answered' });
  expect(failure(await asked(quad('203.0.113.1'), 300))).not.toBe('');
});

async function namespace(name: string): Promise<Namespace> {
  const made = await makeNamespace(name);
  closing.push(async () => made.remove());
  return made;
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, loopback, resolve);
  });
  closing.push(
    async () =>
      new Promise((resolve) => {
        server.close(resolve);
      }),
  );
  return (server.address() as AddressInfo).port;
}

function failure(outcome: ProbeOutcome): string {
  return outcome.kind === 'failed' ? outcome.detail : 'answered';
}

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
