/** HealthChecks on Linux: `ping` for echoes, sockets of this process for everything else. */
import { createSocket } from 'node:dgram';
import { get } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { parseIpv4, type Ipv4 } from '@routerd/resources';
import type { Clock } from '@routerd/runtime';
import { z } from 'zod';
import { dnsQuestion, isDnsResponse } from '../../health/dns-message.ts';
import type { HealthProbe, HealthQuestion, HealthTarget } from '../../health/health-probe.ts';
import type { ProbeOutcome } from '../../health/health-verdict.ts';
import { hostCommandRunner, type RunHostCommand } from './host-command.ts';

export interface LinuxHealthProbeOptions {
  readonly clock: Clock;
  /** Enters the host's namespaces for programs; sockets are always of this process. Empty in the daemon, which runs inside. */
  readonly commandPrefix?: readonly string[];
}

/** Above this a response is no answer: the service says that something is wrong (RFC 9110, section 15). */
const HTTP_STATUS_MAX = 399;
/** For `ping` to start and end, beside the time that it waits. */
const PROGRAM_MS = 2000;

export function createLinuxHealthProbe({ clock, commandPrefix = [] }: LinuxHealthProbeOptions): HealthProbe {
  const run = hostCommandRunner(commandPrefix);
  return {
    async ask(target, question, { interface: interfaceName, timeoutMs }, signal) {
      const address = await addressOf(target, run);
      if (address === undefined) return failed('there is no default gateway');
      const local = interfaceName === undefined ? undefined : addressOn(interfaceName);
      if (interfaceName !== undefined && local === undefined && question.protocol !== 'icmp')
        return failed(`${interfaceName} has no IPv4 address to ask from`);
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const startedAt = clock.monotonic();
      const problem = await problemOf(question, { address, interfaceName, local, timeoutMs, limit }, run);
      if (problem === undefined) return { kind: 'answered', tookMs: clock.monotonic() - startedAt };
      return failed(limit.aborted && !signal.aborted ? `no answer from ${address} within ${timeoutMs} ms` : problem);
    },
  };
}

interface Asked {
  readonly address: Ipv4;
  readonly interfaceName: string | undefined;
  /** Address of that interface. */
  readonly local: string | undefined;
  readonly timeoutMs: number;
  /** Aborts when the time is over, or nobody wants to know any more. */
  readonly limit: AbortSignal;
}

/** @returns undefined for an answer */
async function problemOf(question: HealthQuestion, asked: Asked, run: RunHostCommand): Promise<string | undefined> {
  switch (question.protocol) {
    case 'icmp':
      return ping(asked, run);
    case 'tcp':
      return connectTo(question.port, asked);
    case 'dns':
      return askName(question.port, asked);
    case 'http':
      return askPage(question.port, asked);
  }
}

function failed(detail: string): ProbeOutcome {
  return { kind: 'failed', detail };
}

const defaultRoutes = z.array(z.object({ gateway: z.string().optional(), metric: z.number().default(0) }));

/** Of several default routes the one that the kernel takes. */
async function addressOf(target: HealthTarget, run: RunHostCommand): Promise<Ipv4 | undefined> {
  if (target !== 'defaultGateway') return target;
  const listed = await run(['ip', '-j', '-4', 'route', 'show', 'default']);
  if (!listed.ok) return undefined;
  const routes = defaultRoutes.parse(JSON.parse(listed.value.stdout === '' ? '[]' : listed.value.stdout));
  const [best] = routes.filter(({ gateway }) => gateway !== undefined).toSorted((a, b) => a.metric - b.metric);
  const parsed = parseIpv4(best?.gateway ?? '');
  return parsed.ok ? parsed.value : undefined;
}

function addressOn(interfaceName: string): string | undefined {
  return networkInterfaces()[interfaceName]?.find(({ family }) => family === 'IPv4')?.address;
}

/** Status 1 is silence; `ping` takes its time in seconds, with a fraction. */
async function ping(asked: Asked, run: RunHostCommand): Promise<string | undefined> {
  const { address, interfaceName, timeoutMs, limit } = asked;
  const via = interfaceName === undefined ? [] : ['-I', interfaceName];
  const seconds = `${timeoutMs / 1000}`;
  const done = await run(['ping', '-n', '-q', '-c', '1', '-W', seconds, ...via, address], {
    timeoutMs: timeoutMs + PROGRAM_MS,
    signal: limit,
  });
  if (done.ok) return undefined;
  if (done.error.code === 'command.not-found') return 'ping is not installed';
  const said = done.error.stderr.trim();
  return said === '' ? `no echo from ${address}` : said;
}

async function connectTo(port: number, { address, local, limit }: Asked): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, ...(local === undefined ? {} : { localAddress: local }) });
    const end = (problem: string | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.once('connect', () => end(undefined));
    socket.on('error', (error) => end(error.message));
    limit.addEventListener('abort', () => end('no answer'), { once: true });
  });
}

async function askPage(port: number, { address, local, limit }: Asked): Promise<string | undefined> {
  return new Promise((resolve) => {
    const source = local === undefined ? {} : { localAddress: local };
    const request = get({ host: address, port, path: '/', agent: false, signal: limit, ...source }, (response) => {
      const { statusCode = 0 } = response;
      response.on('error', () => undefined); // its body is of no interest
      response.destroy();
      resolve(statusCode > 0 && statusCode <= HTTP_STATUS_MAX ? undefined : `it answers with status ${statusCode}`);
    });
    request.on('error', (error) => resolve(error.message));
  });
}

async function askName(port: number, { address, local, limit }: Asked): Promise<string | undefined> {
  const id = Math.floor(Math.random() * 0x1_0000);
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    let isOver = false;
    const end = (problem: string | undefined): void => {
      if (isOver) return;
      isOver = true;
      socket.close();
      resolve(problem);
    };
    socket.on('error', (error) => end(error.message));
    limit.addEventListener('abort', () => end('no answer'), { once: true });
    socket.on('message', (message) => {
      if (isDnsResponse(message, id)) end(undefined);
    });
    // Connected, so that a port that nobody listens at is told at once, and strangers are not heard.
    socket.bind(0, local, () => {
      if (isOver) return;
      socket.connect(port, address, () => {
        if (!isOver) socket.send(dnsQuestion(id));
      });
    });
  });
}
