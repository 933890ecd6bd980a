/**
 * A plugin for the host's tests, that does what the attempt's name or the NIC's target says. It keeps the protocol unless told otherwise.
 * It writes its process ids into the file TRACE, so that a test can see who is left.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { ExecutorError, serve, succeeded, type NicState } from '@routerd/plugin-sdk';

const trace = (text: string): void => {
  const file = process.env['TRACE'];
  if (file !== undefined) appendFileSync(file, `${text}\n`);
};
trace(`start ${process.pid}`);

/** Taken before `serve` redirects stdout, as a plugin that was not written with the SDK would write. */
const writeRaw = process.stdout.write.bind(process.stdout);

const NIC: NicState = { addresses: ['10.77.60.10/32'], forwarding: true };

async function never(): Promise<never> {
  return new Promise(() => undefined);
}

if (process.argv.includes('dies-of-questions')) {
  process.stdin.prependOnceListener('data', (chunk: Buffer) => {
    if (chunk.includes('DescribeRequest')) process.exit(9);
  });
}

await serve({
  about: { name: 'steerable', release: '1.2.3', providers: ['aws'], storesEpoch: false },
  preflight: async (_, actions) => ({
    identity: 'role/router',
    findings: [
      {
        name: 'assign',
        verdict: 'failed',
        permission: 'ec2:AssignPrivateIpAddresses',
        actions: [...actions],
        message: 'UnauthorizedOperation, token=abcdef0123456789',
        remedy: 'Allow it.',
      },
    ],
  }),
  observe: async ({ target }) => {
    if (target['do'] === 'hang') return never();
    if (target['do'] === 'environment')
      throw new ExecutorError('invalid', Object.keys(process.env).toSorted().join(','));
    return NIC;
  },
  async execute({ attempt, addresses }) {
    trace(`begin ${attempt}`);
    switch (attempt) {
      case 'hang': {
        const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
        trace(`start ${child.pid}`);
        return never();
      }
      case 'crash':
        process.stderr.write('about to fail: password=hunter2\n');
        return process.exit(3);
      case 'flood':
        writeRaw('x'.repeat(5 * 1024 * 1024));
        return never();
      case 'babble':
        writeRaw('this is no result\n');
        return never();
      case 'chatter':
        console.log('a library talks on stdout');
        process.stdout.write('so does another\n');
        break;
      case 'shout': {
        const child = spawn('yes', ['so it is'], { stdio: ['ignore', 2, 'ignore'] }); // its stdout is our stderr
        trace(`start ${child.pid}`);
        break;
      }
      case 'throttled':
        throw new ExecutorError('throttled', 'RequestLimitExceeded', { retryAfterMs: 1234 });
    }
    trace(`end ${attempt}`);
    return { results: addresses.map(({ address }) => succeeded(address, String(process.pid))), observed: {}, nic: NIC };
  },
});
