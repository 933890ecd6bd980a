/** D3: the four clients talk to each other in all twelve directions, and nothing on the way gives away that they are apart. */
import { loadBaseline, readBaseline } from '../baseline.ts';
import { DIRECTED_FLOWS, flowName, ping, ssh, type Flow } from '../client-flows.ts';
import { textOf } from '../lab-fault.ts';
import { copyOverSsh, writeBlob } from '../copy.ts';
import { findTranslation } from '../nat-check.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { differences } from '../snapshot.ts';
import { CLIENTS, clientAt, ROUTERS, SITES } from '../topology.ts';
import { waitUntil } from '../wait-until.ts';

const COPY_BYTES = 100 * 1024 * 1024;

export const d3: Scenario = {
  id: 'D3',
  title: 'twelve directed flows: ping and SSH, source kept, no NAT, gateways untouched',
  async run(stage) {
    await pingAll(stage);
    await sshAll(stage);
    await stage.progress.step('D3: 100 MiB over SSH between each pair of sites', async () => copyAll(stage));
    await nothingTranslates(stage);
    await nothingElseChanged(stage);
  },
};

/** Every echo request is also looked for on the receiving side, where its source must be the sender's own address. */
async function pingAll({ lab, evidence }: Stage): Promise<void> {
  const seen = new Map(CLIENTS.map((client) => [client.address, [] as string[]]));
  const captures = await Promise.all(
    CLIENTS.map(async (client) => {
      const lines = seen.get(client.address) ?? [];
      const filter = `icmp[icmptype] == icmp-echo and dst host ${client.address}`;
      const stream = await lab
        .vm(client.name)
        .stream(['tcpdump', '-i', client.nic, '-n', '-l', '--immediate-mode', filter], (line) => lines.push(line));
      await waitUntil(
        `${client.name}: tcpdump listening`,
        () => lines.some((line) => line.includes('listening on')) || undefined,
        { deadlineMs: 5000 },
      );
      return stream;
    }),
  );
  await Promise.all(
    DIRECTED_FLOWS.map(async (flow) => {
      const { from, to } = flow;
      const answered = await ping(lab, from.name, to.address);
      evidence.file(`ping/${flowName(flow)}.txt`, answered.text);
      evidence.check(`ping ${flowName(flow)}`, '3 of 3 answers', `${answered.received} of ${answered.sent} answers`);
    }),
  );
  for (const capture of captures) capture.signal('SIGINT'); // tcpdump flushes what it holds
  await Promise.all(captures.map(async (capture) => capture.exited));
  for (const flow of DIRECTED_FLOWS) {
    const { from, to } = flow;
    const wanted = `IP ${from.address} > ${to.address}: ICMP echo request`;
    const line = (seen.get(to.address) ?? []).find((each) => each.includes(wanted));
    evidence.check(
      `${to.name} sees the pings of ${from.name} from ${from.address}`,
      wanted,
      line === undefined ? 'no such packet' : wanted,
    );
  }
  for (const client of CLIENTS)
    evidence.file(`ping/seen-by-${client.name}.txt`, (seen.get(client.address) ?? []).join('\n'));
}

async function sshAll({ lab, evidence }: Stage): Promise<void> {
  const texts = await Promise.all(
    DIRECTED_FLOWS.map(async (flow) => {
      const { from, to } = flow;
      const text = textOf(await ssh(lab, flow, 'echo "$(hostname) $SSH_CONNECTION"')).trim();
      // SSH_CONNECTION: client address, client port, server address, server port (ssh(1)).
      const [host, source, , server, port] = text.split(' ');
      evidence.check(
        `ssh ${flowName(flow)}: the server saw`,
        `${to.name} ${from.address} ${to.address} 22`,
        [host, source, server, port].join(' '),
      );
      return `${flowName(flow)}: ${text}`;
    }),
  );
  evidence.file('ssh.txt', `${texts.join('\n')}\n`);
}

/** Two copies at a time, no site in both: three rounds make the six pairs. */
function copyRounds(): readonly (readonly Flow[])[] {
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

async function copyAll(stage: Stage): Promise<void> {
  const blob = await writeBlob(stage.lab.files, COPY_BYTES);
  for (const round of copyRounds()) {
    await Promise.all(
      round.map(async (flow) => {
        const start = performance.now();
        const copied = await copyOverSsh(stage.lab, flow, blob);
        stage.evidence.measure(`100 MiB ${flowName(flow)}`, performance.now() - start);
        stage.evidence.check(`100 MiB copied ${flowName(flow)}: sha256`, blob.sha256, copied);
      }),
    );
  }
}

async function nothingTranslates({ lab, evidence }: Stage): Promise<void> {
  await Promise.all(
    ROUTERS.map(async (router) => {
      const found = await findTranslation(lab.vm(router.name));
      evidence.file(`nat/${router.name}.txt`, found.raw);
      evidence.check(`${router.name}: NAT rules`, 'none', found.rules);
      evidence.check(`${router.name}: translated connections`, 'none', found.connections);
    }),
  );
}

/** Compared with what was there before any routerd was started. */
async function nothingElseChanged({ lab, evidence }: Stage): Promise<void> {
  const before = loadBaseline(lab.files);
  const now = await readBaseline(lab.vms);
  for (const { name } of CLIENTS) {
    evidence.check(`${name}: default route`, before[name]?.defaultRoute ?? '', now[name]?.defaultRoute ?? '');
    const changed = differences(before[name]?.routes ?? '', now[name]?.routes ?? '');
    evidence.check(`${name}: changes of its route tables`, 'none', changed === '' ? 'none' : changed);
  }
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
