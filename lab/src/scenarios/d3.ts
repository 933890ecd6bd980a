/** D3: the four clients talk to each other in all twelve directions, and nothing on the way gives away that they are apart. */
import { loadBaseline, readBaseline } from '../baseline.ts';
import { DIRECTED_FLOWS, type Flow } from '../client-flows.ts';
import { writeBlob } from '../copy.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { differences } from '../snapshot.ts';
import { CLIENTS, clientAt, FOUR_SITES, ROUTERS, SITES } from '../topology.ts';
import { clientsUnchanged, COPY_BYTES, copyRounds, nothingTranslates, pingAll, sshAll } from './flow-checks.ts';

export const d3: Scenario = {
  id: 'D3',
  title: 'twelve directed flows: ping and SSH, source kept, no NAT, gateways untouched',
  asserts:
    'each flow pings and logs in by SSH with its source kept, 100 MiB arrive whole, nothing translates, no gateway or route of a client has changed',
  seconds: 25,
  topology: FOUR_SITES,
  async run(stage) {
    await pingAll(stage, DIRECTED_FLOWS);
    await sshAll(stage, DIRECTED_FLOWS);
    const blob = await writeBlob(stage.lab.files, COPY_BYTES);
    await stage.progress.step('D3: 100 MiB over SSH between each pair of sites', async () =>
      copyRounds(stage, blob, pairsOfSites()),
    );
    await nothingTranslates(stage, ROUTERS);
    await nothingElseChanged(stage);
  },
};

/** Two copies at a time, no site in both: three rounds make the six pairs. */
function pairsOfSites(): readonly (readonly Flow[])[] {
  const [a, b, c, d] = SITES.map(clientAt);
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four sites expected');
  return [
    [
      { from: a, to: b },
      { from: c, to: d },
    ],
    [
      { from: c, to: a },
      { from: d, to: b },
    ],
    [
      { from: a, to: d },
      { from: b, to: c },
    ],
  ];
}

/** Compared with what was there before any routerd was started. */
async function nothingElseChanged({ lab, evidence }: Stage): Promise<void> {
  const before = loadBaseline(lab);
  const now = await readBaseline(lab);
  clientsUnchanged(evidence, CLIENTS, { before, now });
  for (const { name } of ROUTERS) {
    evidence.check(`${name}: default route`, before[name]?.defaultRoute || 'none', now[name]?.defaultRoute || 'none');
    const changed = differences(before[name]?.routes ?? '', now[name]?.routes ?? '')
      .split('\n')
      .filter(Boolean);
    const lost = changed.filter((line) => line.startsWith('-'));
    evidence.check(`${name}: routes it had before and lost`, 'none', lost.length === 0 ? 'none' : lost.join('; '));
    const wide = changed
      .filter((line) => line.startsWith('+'))
      .map(destinationOf)
      .filter((destination) => destination.includes('/'));
    evidence.check(
      `${name}: routes added that are wider than /32`,
      'none',
      wide.length === 0 ? 'none' : wide.join('; '),
    );
  }
  evidence.file('routes-before.json', JSON.stringify(before, undefined, 2));
  evidence.file('routes-after.json', JSON.stringify(now, undefined, 2));
}

/** `+local 10.255.0.1 dev lo …` and `+10.77.60.11 dev wg-aws-a …`: `ip` writes a /32 without its length, `default` counts as wide. */
function destinationOf(line: string): string {
  const [first = '', second = ''] = line.slice(1).split(' ');
  const destination = /^(local|broadcast|blackhole|unreachable)$/.test(first) ? second : first;
  return destination === 'default' ? 'default/0' : destination;
}
