/** `pnpm lab …` and `npm run demo`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { cloud, CLOUD_HELP } from './commands/cloud.ts';
import { demo, listScenarios, runOne } from './commands/demo.ts';
import { shell } from './commands/shell.ts';
import { status } from './commands/status.ts';
import { down, up, wanDelay } from './commands/up-down.ts';
import { LabFault } from './lab-fault.ts';
import { EMULATED_CLOUDS, HOST_NAMES, SITES } from './topology.ts';

const HELP = `Four sites on one machine: an on-prem LAN, AWS, Azure and OCI, with two routers and a client each.

usage: pnpm lab <command>            (npm run lab -- <command> without pnpm)

  demo [--only D1,D6]        build the lab, run D1 to D12 and R1 (or those named), take it down
  demo --all                 these, their variations, and the pairs of examples/, each of which builds a lab of two sites
  demo --only D6 --repeat 10 the same ten times in one lab, with the spread of each figure; ends at the first failure
  demo --keep                the same, and leave the lab up
  demo --list                the scenarios
  up                         build the lab and leave it up
  status                     machines, daemons and tunnels of the lab that is up
  shell <host> [command…]    a shell in a machine, or one command
  scenario <id>              run one scenario on the lab that is up; P1, P2 and P3 build their own
  cloud                      what goes wrong at the emulated clouds: lays out fault cards, lists calls
  wan-delay <time>           one-way delay on the WAN: 25ms; 0 takes it away
  down                       remove the lab; also what a crash left behind

options
  --sites <list>             (up) with a fifth site: onprem,aws,azure,oci,gcp; or onprem,gcp alone; default the four
  --executor <cloud>=<dir>   (demo, up, scenario) a plugin of yours instead of that cloud's executor, from its folder; may be repeated
  --wan-delay <time>         (demo, up) one-way delay on the WAN; default 0
  --api-latency <time>       (demo, up) how long a mutating call of a cloud takes; default 300ms
  --wan-rate <rate>          (demo, up) rate of each WAN port as tc(8) writes it; default 200mbit
  --repeat <count>           (demo, scenario) how many rounds; default 1
  --keep-going               (demo, scenario) do not end at the first failure of several rounds
  --keep                     (demo, scenario P1 to P3) leave the lab up at the end
  --lab <name>               another lab beside the first; default "main"
  --help

environment
  ROUTERD_LAB_DIR            where labs keep logs, evidence and state; default .lab in the checkout

examples
  pnpm lab up --wan-delay 10ms
  pnpm lab shell onprem-client ping -c3 aws-client
  pnpm lab shell aws-router-a routerctl status
  pnpm lab scenario D3
  pnpm lab down

hosts
  ${HOST_NAMES.join(' ')}
`;

const CLOUD_OPTIONS = {
  count: { type: 'string' },
  for: { type: 'string' },
  amount: { type: 'string' },
  router: { type: 'string' },
  operation: { type: 'string' },
  last: { type: 'string' },
} as const;

const OPTIONS = {
  all: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  'keep-going': { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  only: { type: 'string' },
  repeat: { type: 'string', default: '1' },
  lab: { type: 'string', default: 'main' },
  'wan-delay': { type: 'string', default: '0' },
  'wan-rate': { type: 'string', default: '200mbit' },
  sites: { type: 'string', default: SITES.join(',') },
  executor: { type: 'string', multiple: true },
  'api-latency': { type: 'string', default: '300ms' },
  help: { type: 'boolean', short: 'h', default: false },
  ...CLOUD_OPTIONS,
} as const;

/** What follows the host of `shell` belongs to the command that runs there, options and all. */
function splitShell(argv: readonly string[]): { readonly own: readonly string[]; readonly inner: readonly string[] } {
  const at = argv.indexOf('shell');
  const isHost = (word: string, index: number): boolean =>
    index > at && !word.startsWith('-') && argv[index - 1] !== '--lab';
  const host = at < 0 ? -1 : argv.findIndex(isHost);
  return host < 0 ? { own: argv, inner: [] } : { own: argv.slice(0, host + 1), inner: argv.slice(host + 1) };
}

async function main(argv: readonly string[]): Promise<number> {
  const { own, inner } = splitShell(argv.filter((word, index) => word !== '--' || index > 0));
  const { values, positionals } = parseArgs({ args: [...own], options: OPTIONS, allowPositionals: true });
  const [command, argument, ...rest] = positionals;
  if (values.help || command === undefined) {
    process.stdout.write(command === 'cloud' ? CLOUD_HELP : HELP);
    return values.help ? 0 : 2;
  }
  if (!/^[a-z0-9]{1,20}$/.test(values.lab)) {
    throw new LabFault(
      'lab.usage',
      `"${values.lab}" is no name for a lab.`,
      'Use 1 to 20 lower-case letters and digits.',
    );
  }
  const place = {
    name: values.lab,
    wanDelayMs: parseDelayMs(values['wan-delay']),
    wanRate: values['wan-rate'],
    apiLatencyMs: parseDelayMs(values['api-latency']),
    keep: values.keep || command === 'up',
    executors: executorsOf(values.executor ?? []),
  };
  if (command === 'cloud') {
    const { count, for: time, amount, router, operation, last } = values;
    return cloud(values.lab, positionals.slice(1), { count, for: time, amount, router, operation, last });
  }
  const rounds = { count: parseCount(values.repeat), keepGoing: values['keep-going'] };
  if (rest.length > 0) throw usage(`"${command}" takes no argument "${rest.join(' ')}".`);
  switch (command) {
    case 'demo':
      return values.list
        ? listScenarios()
        : demo(place, { only: chosenOf(values.only, values.all), all: values.all, rounds });
    case 'scenario':
      return runOne(place, needed(argument, 'the id of a scenario, for example D1'), rounds);
    case 'up':
      return up(place, values.sites);
    case 'down':
      return down(place.name);
    case 'status':
      return status(place.name);
    case 'wan-delay':
      return wanDelay(place.name, parseDelayMs(needed(argument, 'a delay, for example 25ms')));
    case 'shell':
      return shell(place.name, needed(argument, 'a host, for example onprem-client'), inner);
    default:
      throw usage(`There is no command "${command}".`);
  }
}

function chosenOf(only: string | undefined, all: boolean): readonly string[] {
  if (only === undefined) return [];
  if (all) throw usage('--all runs every scenario, and --only those that it names: one of them.');
  const ids = only.split(',').map((id) => id.trim());
  if (ids.includes('')) throw usage(`--only "${only}" has an empty name: write D1,D6.`);
  return ids;
}

function needed(argument: string | undefined, what: string): string {
  if (argument === undefined) throw usage(`Missing: ${what}.`);
  return argument;
}

function usage(message: string): LabFault {
  return new LabFault('lab.usage', message, 'See "pnpm lab --help".');
}

/** `gcp=plugins/my-cloud`, each; folders from where the command was given. */
function executorsOf(given: readonly string[]): Readonly<Record<string, string>> {
  const entries = given.map((text) => {
    const [cloudName = '', ...rest] = text.split('=');
    const folder = path.resolve(rest.join('='));
    const isKnown = EMULATED_CLOUDS.some((each) => each === cloudName) && rest.length > 0;
    if (!isKnown) throw usage(`"${text}" is no cloud with a folder, as in gcp=plugins/my-cloud.`);
    if (!existsSync(path.join(folder, 'src/main.ts'))) throw usage(`${folder} has no src/main.ts.`);
    return [cloudName, folder] as const;
  });
  return Object.fromEntries(entries);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw usage(`"${text}" is no number of rounds between 1 and 999.`);
  return Number(text);
}

/** `25ms`, `1s` or a bare number of milliseconds. */
function parseDelayMs(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(text) ?? [];
  const delayMs = Number(count) * (unit === 's' ? 1000 : 1);
  if (count === undefined || delayMs > 5000) throw usage(`"${text}" is no delay between 0 and 5 s.`);
  return delayMs;
}

/** A full or write-protected disk is no fault of ours to be told with a stack. */
function faultOf(cause: unknown): LabFault | undefined {
  if (cause instanceof LabFault) return cause;
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  switch (cause.code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EROFS':
      return new LabFault('lab.disk', `Nothing can be written: ${cause.message}.`, 'Make room where that file is.');
    default:
      return undefined;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  const fault = faultOf(cause);
  const isUsage = fault?.code === 'lab.usage' || (cause instanceof TypeError && 'code' in cause); // parseArgs throws TypeErrors with a code
  const stack = cause instanceof Error ? (isUsage ? cause.message : (cause.stack ?? cause.message)) : String(cause);
  process.stderr.write(`error: ${fault?.message ?? stack}\n`);
  if (fault?.remedy !== undefined) process.stderr.write(`remedy: ${fault.remedy}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
// What was still being waited for when a phase failed would keep the process for its deadline.
process.exit();
