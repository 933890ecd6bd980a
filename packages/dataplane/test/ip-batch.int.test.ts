import { afterEach, beforeEach, expect, test } from 'vitest';
import { IpBatch } from '../src/adapters/linux/ip-batch.ts';
import { makeNamespace, type Namespace } from './namespace-rig.ts';

let namespace: Namespace;
let batch: IpBatch;
beforeEach(async () => {
  namespace = await makeNamespace('b');
  await namespace.batch('link add tun-a type ifb', 'link set tun-a up');
  batch = new IpBatch(['ip', 'netns', 'exec', namespace.name]);
});
afterEach(async () => {
  batch.forgetDevices();
  await namespace.remove();
});

async function pids(): Promise<readonly string[]> {
  const text = await namespace.run('sh', '-c', 'echo $$; ip netns pids $0', namespace.name);
  const [self, ...others] = text.split('\n').filter((line) => line !== '');
  return others.filter((pid) => pid !== self);
}

test('batches share one program, and each says what failed in it', async () => {
  expect(await batch.run(['route add 10.0.0.1/32 dev tun-a'])).toEqual({ lines: [undefined], endedEarly: false });
  const [first] = await pids();
  expect(first).toBeDefined();
  expect((await batch.run(['route add 10.0.0.2/32 dev tun-a', 'route add 10.0.0.3/32 dev tun-a'])).lines).toEqual([
    undefined,
    undefined,
  ]);
  expect(await pids()).toContain(first);
  const mixed = await batch.run([
    'route add 10.0.0.2/32 dev tun-a',
    'route add 10.0.0.4/32 dev tun-a',
    'route add 10.0.0.5/32 dev nope',
  ]);
  expect(mixed).toEqual({
    endedEarly: false,
    lines: [{ text: 'RTNETLINK answers: File exists' }, undefined, { text: 'Cannot find device "nope"' }],
  });
  expect((await namespace.run('ip', 'route')).trim().split('\n')).toHaveLength(4);
});

test('a refused neighbour ends the program, and the next batch has a new one', async () => {
  const refused = await batch.run(['neigh del proxy 10.0.0.1 dev tun-a', 'route add 10.0.0.1/32 dev tun-a']);
  expect(refused.endedEarly).toBe(true);
  expect(await batch.run(['route add 10.0.0.1/32 dev tun-a'])).toEqual({ lines: [undefined], endedEarly: false });
});

test('a device that was made anew is found after one failure at most', async () => {
  await batch.run(['route add 10.0.0.1/32 dev tun-a']);
  await namespace.batch('link del tun-a', 'link add tun-a type ifb', 'link set tun-a up');
  await batch.run(['route add 10.0.0.2/32 dev tun-a']);
  expect((await batch.run(['route replace 10.0.0.2/32 dev tun-a'])).lines).toEqual([undefined]);
});

test('a program that somebody ends while it rests is started again', async () => {
  await batch.run(['route add 10.0.0.1/32 dev tun-a']);
  const [pid = ''] = await pids();
  process.kill(Number(pid), 'SIGKILL');
  // Its end may be seen only when a batch was given to it: then every line is left over, none is lost, and the next try lands.
  await batch.run(['route replace 10.0.0.2/32 dev tun-a']);
  expect((await batch.run(['route replace 10.0.0.2/32 dev tun-a'])).lines).toEqual([undefined]);
});

test('without the program every line says so', async () => {
  const outcome = await new IpBatch(['/nowhere/enter']).run(['route add 10.0.0.1/32 dev tun-a']);
  expect(outcome.lines).toEqual([
    { fault: { code: 'host.unsupported', detail: '/nowhere/enter: the program is not installed', retry: 'never' } },
  ]);
});

test('fifty thousand lines are one batch', async () => {
  const lines = Array.from(
    { length: 50_000 },
    (_, index) => `route add 10.${(index >> 8) & 255}.${index & 255}.1/32 dev tun-a`,
  );
  const { lines: outcomes } = await batch.run(lines);
  expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual([]);
});
