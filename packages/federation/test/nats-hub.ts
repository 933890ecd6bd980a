/** A real nats-server of Debian on loopback, with a throw-away authority, and what may happen to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as dial, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '@routerd/runtime';

export interface HubProcess {
  readonly port: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  stall(): void;
  resume(): void;
}

export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export async function makeScratchFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), `routerd-federation-${process.pid}-`));
}

export async function removeScratchFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** An authority and a certificate of it for 127.0.0.1, made by openssl. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => join(folder, name);
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const authority = ['-keyout', file('ca-key.pem'), '-out', file('ca.pem'), '-subj', '/CN=throw-away authority'];
  await openssl(['req', '-x509', ...elliptic, ...authority]);
  await openssl(['req', ...elliptic, '-keyout', file('hub-key.pem'), '-out', file('hub.csr'), '-subj', '/CN=hub']);
  await writeFile(file('hub.ext'), 'subjectAltName=IP:127.0.0.1\n');
  const signing = ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem'), '-CAcreateserial', '-days', '2'];
  const asked = ['-in', file('hub.csr'), '-extfile', file('hub.ext'), '-out', file('hub.pem')];
  await openssl(['x509', '-req', ...signing, ...asked]);
  return { caFile: file('ca.pem'), certFile: file('hub.pem'), keyFile: file('hub-key.pem') };
}

async function openssl(args: readonly string[]): Promise<void> {
  const result = await runCommand(['openssl', ...args], { timeoutMs: 20_000 });
  if (!result.ok) throw new Error(result.error.stderr);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** @param configFile rendered by `renderHubConfig`, with a pid file and this port */
export async function startHub(configFile: string, port: number, logFile: string): Promise<HubProcess> {
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn('nats-server', ['-c', configFile], { stdio: 'ignore' });
    await untilListening(port, child, logFile);
  };
  const signal = (name: NodeJS.Signals): void => {
    child?.kill(name);
  };
  await start();
  return {
    port,
    start,
    stall: () => {
      signal('SIGSTOP');
      // The signal is delivered to each thread in its own time; until the last has stopped the hub still serves.
      while (!isStopped(child?.pid)) continue;
    },
    resume: () => signal('SIGCONT'),
    kill: async () => {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      signal('SIGKILL');
      await gone;
    },
  };
}

/** The third field of /proc/PID/task/TID/stat, after the name in brackets; proc(5). */
function isStopped(pid: number | undefined): boolean {
  if (pid === undefined) return true;
  const stateOf = (thread: string): string =>
    readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ').at(-1)?.charAt(0) ?? '';
  return readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(thread) === 'T');
}

async function untilListening(port: number, child: ChildProcess, logFile: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && child.exitCode === null) {
    const socket = dial(port, '127.0.0.1');
    const outcome = await Promise.race([
      once(socket, 'data').then(
        () => 'greeted',
        () => 'refused',
      ),
      once(socket, 'error').then(() => 'refused'),
    ]);
    socket.destroy();
    if (outcome === 'greeted') return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error(`nats-server does not listen on ${port}: ${await readFile(logFile, 'utf8').catch(() => 'no log')}`);
}

/** A wire between one node and the hub that can be cut: connections break, and new ones are refused. */
export class Wire {
  readonly #hubPort: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  constructor(hubPort: number) {
    this.#hubPort = hubPort;
    this.#server = createServer((socket) => this.#join(socket));
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = portOf(this.#server);
  }

  /** Takes effect before it returns. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket): void {
    const far = dial(this.#hubPort, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }
}

function portOf(server: Server): number {
  const bound: AddressInfo | string | null = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the server listens on no port');
  return bound.port;
}
