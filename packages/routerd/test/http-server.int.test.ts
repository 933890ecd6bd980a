import { linkSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { RecordingLog } from '@routerd/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serveApi, type ApiServer, type Route } from '../src/api/http-server.ts';

let folder = '';
let server: ApiServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-api-'));
});

afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const routes: readonly Route[] = [
  {
    method: 'GET',
    pattern: '/v1/things/:id',
    handle: ({ params, query }) => ({ status: 200, body: { id: params['id'], query: query.get('q') } }),
  },
  { method: 'POST', pattern: '/v1/things/:id', handle: ({ body }) => ({ status: 200, body: { got: body } }) },
  {
    method: 'GET',
    pattern: '/text',
    handle: () => ({ status: 200, text: '# "as it is"', contentType: 'text/plain; version=0.0.4' }),
  },
  {
    method: 'GET',
    pattern: '/v1/broken',
    handle: () => {
      throw new Error('boom');
    },
  },
];

async function open(): Promise<string> {
  const socket = path.join(folder, 'run', 'routerd.sock');
  const opened = await serveApi(socket, routes, new RecordingLog());
  if (!opened.ok) throw new Error(opened.error.message);
  server = opened.value;
  return socket;
}

async function ask(
  socketPath: string,
  method: string,
  url: string,
  body?: string,
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path: url }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(text) }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

test('answers with what the route says, and only its owner may open the socket', async () => {
  const socket = await open();
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(await ask(socket, 'GET', '/v1/things/a%2Fb?q=1')).toEqual({ status: 200, body: { id: 'a/b', query: '1' } });
  expect(await ask(socket, 'POST', '/v1/things/1', '{"x":2}')).toEqual({ status: 200, body: { got: { x: 2 } } });
});

test('answers text as it stands, with its type', async () => {
  const socketPath = await open();
  const answered = await new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, path: '/text' }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      incoming.on('end', () => resolve([incoming.statusCode, incoming.headers['content-type'], text]));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
  expect(answered).toEqual([200, 'text/plain; version=0.0.4', '# "as it is"']);
});

test.each([
  ['GET', '/v1/nothing', undefined, 404, 'api.no-such-path'],
  ['POST', '/v1/broken', '{}', 405, 'api.method-not-allowed'],
  ['POST', '/v1/things/1', '{', 400, 'api.body-not-json'],
  ['POST', '/v1/things/1', `"${'x'.repeat(20_000_000)}"`, 413, 'api.body-too-long'],
  ['GET', '/v1/things/%', undefined, 400, 'api.malformed-path'],
  ['GET', '/v1/things/%ff', undefined, 400, 'api.malformed-path'],
  ['GET', '//', undefined, 404, 'api.no-such-path'],
  ['GET', 'http://elsewhere/v1/things/1', undefined, 400, 'api.malformed-path'],
  ['GET', '/v1/things/../../v1/nothing', undefined, 404, 'api.no-such-path'],
  ['GET', '/v1/broken', undefined, 500, 'api.internal'],
] as const)('%s %s is refused with a code', async (method, url, body, status, code) => {
  const answer = await ask(await open(), method, url, body);
  expect(answer).toMatchObject({ status, body: { error: { code } } });
});

test('a socket that a dead daemon left is replaced, one that answers is not', async () => {
  const socket = await open();
  const second = await serveApi(socket, routes, new RecordingLog());
  expect(second).toMatchObject({ ok: false, error: { code: 'api.socket-in-use' } });
  await server?.close();
  server = undefined;
  const left = path.join(folder, 'left.sock');
  const dead = createServer().listen(`${left}.dead`);
  await new Promise((resolve) => dead.once('listening', resolve));
  linkSync(`${left}.dead`, left);
  dead.close();
  const replaced = await serveApi(left, routes, new RecordingLog());
  expect(replaced.ok).toBe(true);
  if (replaced.ok) server = replaced.value;
});

test('a page in a browser gives no orders', async () => {
  const socketPath = await open();
  const status = await new Promise((resolve, reject) => {
    const headers = { origin: 'https://elsewhere.example', 'content-type': 'text/plain' };
    const outgoing = request({ socketPath, method: 'POST', path: '/v1/things/1', headers }, (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode);
    });
    outgoing.on('error', reject);
    outgoing.end('{}');
  });
  expect(status).toBe(400);
});

test('a file that is no socket is left alone', async () => {
  const file = path.join(folder, 'router.yaml');
  writeFileSync(file, 'kind: Interface\n');
  expect(await serveApi(file, routes, new RecordingLog())).toMatchObject({
    ok: false,
    error: { code: 'api.not-a-socket' },
  });
  expect(readFileSync(file, 'utf8')).toBe('kind: Interface\n');
});

test.each([
  ['below a file', (base: string) => path.join(base, 'router.yaml', 'routerd.sock')],
  ['with a path that is too long for one', (base: string) => path.join(base, 's'.repeat(108))],
])('a socket %s is refused with what to do', async (_, place) => {
  writeFileSync(path.join(folder, 'router.yaml'), 'kind: Interface\n');
  expect(await serveApi(place(folder), routes, new RecordingLog())).toMatchObject({
    ok: false,
    error: { code: 'api.listen-failed', remedy: expect.stringContaining('at most 107 bytes') },
  });
});

test('who hangs up in the middle of a request costs nobody else an answer, nor a line of the log', async () => {
  const socket = path.join(folder, 'run', 'routerd.sock');
  const log = new RecordingLog();
  const opened = await serveApi(socket, routes, log);
  if (!opened.ok) throw new Error(opened.error.message);
  server = opened.value;
  const half = connect(socket);
  await new Promise((resolve) =>
    half.write('POST /v1/things/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{', resolve),
  );
  half.destroy();
  await new Promise((resolve) => half.once('close', resolve));
  expect(await ask(socket, 'GET', '/v1/things/1')).toMatchObject({ status: 200 });
  await server.close();
  server = undefined;
  expect(log.lines).toEqual([]);
});

test('names that JavaScript gives a meaning are names', async () => {
  const socket = await open();
  const said = await ask(socket, 'POST', '/v1/things/__proto__', '{"__proto__":{"polluted":true},"constructor":1}');
  expect(JSON.stringify(said.body)).toContain('{"__proto__":{"polluted":true},"constructor":1}');
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
});
