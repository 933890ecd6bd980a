import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readRecord } from '../src/lab-record.ts';
import { namespacesOf } from '../src/tear-down.ts';
import { waitUntil } from '../src/wait-until.ts';
import { LabHome, leftovers, type LabProcess } from './lab-process.ts';

// What happens to people: Ctrl-C, a killed terminal, a second demo, a machine that lacks something. A pair's lab stands for all: it is built the same way.
const NAME = 'm';
const BUILT = `${NAME}azure`;
const SCENARIO = ['demo', '--only', 'P1', '--lab', NAME];

let home: LabHome;

beforeEach(() => {
  home = new LabHome();
});

afterEach(async () => home.remove());

const soon = async (run: LabProcess, what: string, probe: () => boolean): Promise<unknown> =>
  waitUntil(
    () => `${what} (it said ${run.lines.join(' | ')})`,
    () => probe() || run.child.exitCode !== null || undefined,
    { deadlineMs: 40_000, everyMs: 2 },
  );

interface Moment {
  readonly when: string;
  readonly signal: NodeJS.Signals;
  readonly code: number;
  readonly reached: (run: LabProcess) => Promise<unknown>;
}

const MOMENTS: readonly Moment[] = [
  {
    when: 'the name is taken',
    signal: 'SIGINT',
    code: 130,
    reached: async (run) => soon(run, 'the record', () => readRecord(home.files(BUILT)) !== undefined),
  },
  {
    when: 'the third machine is being made',
    signal: 'SIGINT',
    code: 130,
    reached: async (run) => soon(run, 'three namespaces', () => namespacesOf(home.files(BUILT)).length >= 3),
  },
  { when: 'the network is there', signal: 'SIGHUP', code: 129, reached: async (run) => run.said('7 machines') },
  { when: 'the lab is up', signal: 'SIGTERM', code: 143, reached: async (run) => run.said('the lab is up') },
  {
    when: 'routerd runs',
    signal: 'SIGINT',
    code: 130,
    reached: async (run) =>
      soon(
        run,
        'routerd',
        () => readRecord(home.files(BUILT))?.daemons.some(({ name }) => name === 'routerd') === true,
      ),
  },
];

test.each(MOMENTS)('$signal when $when: it says so, and nothing is left', async ({ signal, code, reached }) => {
  const run = home.run(SCENARIO);
  await reached(run);
  run.child.kill(signal);
  expect(await run.ended, run.lines.join('\n')).toBe(code);
  expect(run.lines).toContain(`${signal}: taking the lab down`);
  expect(run.lines.filter((line) => line.includes('error'))).toEqual([]);
  expect(leftovers(home.files(BUILT))).toEqual([]);
});

/** Fractions of a build and a half, far enough from one another. */
const FRACTIONS = [0.13, 0.31, 0.47, 0.62, 0.88];

test('Ctrl-C at moments that nobody chose leaves nothing', async () => {
  for (const fraction of FRACTIONS) {
    const run = home.run(SCENARIO);
    await soon(run, 'the record', () => readRecord(home.files(BUILT)) !== undefined);
    await delay(fraction * 1500); // any moment is right: this is where it is, not something that is waited for
    run.child.kill('SIGINT');
    expect(await run.ended, `after ${fraction}: ${run.lines.join(' | ')}`).toBe(130);
    expect(leftovers(home.files(BUILT)), `after ${fraction}`).toEqual([]);
  }
});

test('whoever read the output goes away: the lab goes too', async () => {
  const run = home.run(SCENARIO);
  await run.said('certificates');
  run.child.stdout?.destroy();
  expect(await run.ended).toBe(141);
  expect(leftovers(home.files(BUILT))).toEqual([]);
});

test('after kill -9 the machines are gone at once, and what is left goes with the next demo or `lab down`', async () => {
  for (const before of ['nothing', 'a killed run'] as const) {
    const run = home.run(SCENARIO);
    await run.said('the lab is up');
    const removed = run.lines.filter((line) => line.includes('an earlier run left behind'));
    expect(removed.map((line) => line.trim())).toEqual(
      before === 'nothing' ? [] : ['removed 7 namespaces that an earlier run left behind'],
    );
    run.child.kill('SIGKILL');
    expect(await run.ended).toBe('SIGKILL');
    expect(namespacesOf(home.files(BUILT))).toHaveLength(7);
  }
  const down = home.run(['down', '--lab', BUILT]);
  expect(await down.ended).toBe(0);
  expect(down.lines[0]).toMatch(/^Removed 7 machines\./);
  expect(leftovers(home.files(BUILT))).toEqual([]);
});

test('of two demos started at once one runs, the other says who has the lab; `lab down` ends the first in good order', async () => {
  const runs = [home.run(SCENARIO), home.run(SCENARIO)];
  const refused = await Promise.race(runs.map(async (run) => run.said('error: ').then(() => run)));
  const winner = runs.find((run) => run !== refused);
  expect(await refused.ended).toBe(1);
  expect(refused.lines.join('\n')).toContain(
    `error: The lab "${BUILT}" is in use by process ${winner?.child.pid}.\nremedy: Take it down with "pnpm lab down --lab ${BUILT}"`,
  );
  await winner?.said('the lab is up');
  const down = home.run(['down', '--lab', BUILT]);
  expect(await down.ended).toBe(0);
  expect(down.lines).toEqual([
    `Process ${winner?.child.pid} uses it and is told to end.`,
    `The lab is down. Logs: ${home.files(BUILT).logDir}`,
  ]);
  expect(await winner?.ended).toBe(143);
  expect(leftovers(home.files(BUILT))).toEqual([]);
});

test('two labs of different names stand side by side', async () => {
  const runs = ['m', 'n'].map((name) => home.run(['demo', '--only', 'P1', '--lab', name]));
  await Promise.all(runs.map(async (run) => run.said('the lab is up')));
  for (const run of runs) run.child.kill('SIGINT');
  for (const run of runs) expect(await run.ended, run.lines.join('\n')).toBe(130);
  for (const name of ['m', 'n']) expect(leftovers(home.files(`${name}azure`))).toEqual([]);
});

test('a missing command is named with its Debian package, before anything is made', async () => {
  const run = home.run(SCENARIO, { env: { PATH: '/nonexistent' } });
  expect(await run.ended).toBe(1);
  const said = run.lines.join('\n');
  expect(said).toMatch(/^error: This machine cannot run the lab:\n {2}- commands are not installed: .*wireguard-go/);
  expect(said).toMatch(/\nremedy: apt-get install -y --no-install-recommends .*\bwireguard-go\b/);
  expect(readRecord(home.files(BUILT))).toBeUndefined();
});

test('without root it says so, before anything is made', async () => {
  const run = home.run(SCENARIO, { by: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] });
  expect(await run.ended).toBe(1);
  expect(run.lines.join('\n')).toContain('not root: network namespaces need it');
  expect(run.lines.at(-1)).toContain('sudo npm run demo');
});

/** The mount is in a mount namespace of its own and goes with the process. */
const onTmpfs = (dir: string, size: string): readonly string[] => {
  const script = `mkdir -p "$1" && mount -t tmpfs -o size=${size} tmpfs "$1" && shift && exec "$@"`;
  return ['unshare', '-m', '--propagation', 'private', 'sh', '-ec', script, 'sh', dir];
};

test('a full disk ends the build with the file that could not be written', async () => {
  const run = home.run(SCENARIO, { by: onTmpfs(`${home.dir}/${BUILT}`, '32k') });
  expect(await run.ended).toBe(1);
  expect(run.lines.join('\n')).toMatch(
    /^error: Nothing can be written: ENOSPC: no space left on device.*\.\nremedy: Make room/m,
  );
  expect(leftovers(home.files(BUILT))).toEqual([]);
});

test('a full disk under the evidence fails the scenario, says so, and the lab is taken down', async () => {
  // A scenario of a second: it has more to keep than two pages.
  const files = home.files(NAME);
  const run = home.run(['demo', '--only', 'D2', '--lab', NAME], { by: onTmpfs(files.evidenceDir, '8k') });
  expect(await run.ended).toBe(1);
  const said = run.lines.join('\n');
  expect(said).toContain('D2 FAILED: the evidence can be written');
  expect(said).toMatch(/observed {2}ENOSPC: no space left on device/);
  expect(said).toContain('0 passed, 1 failed');
  expect(leftovers(files)).toEqual([]);
  expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(home.dir);
});
