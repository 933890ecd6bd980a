/** What is asked of flows between clients in more than one scenario: they connect, the far end sees the true source, nobody translates. */
import { flowName, ping, ssh, type Flow } from '../client-flows.ts';
import { copyOverSsh, type Blob } from '../copy.ts';
import type { Baseline } from '../baseline.ts';
import { textOf } from '../lab-fault.ts';
import type { Lab } from '../lab.ts';
import { findTranslation } from '../nat-check.ts';
import type { Stage } from '../scenario.ts';
import { differences } from '../snapshot.ts';
import type { Client } from '../topology.ts';
import type { Stream } from '../vm.ts';
import { waitUntil } from '../wait-until.ts';

/** The scenarios' common size of a copy. */
export const COPY_BYTES = 100 * 1024 * 1024;

type Names = readonly { readonly name: string }[];

/** Every echo request is also looked for on the receiving side, where its source must be the sender's own address. */
export async function pingAll({ lab, evidence }: Stage, flows: readonly Flow[]): Promise<void> {
  const clients = lab.topology.clients;
  const seen = new Map(clients.map((client) => [client.address, [] as string[]]));
  const captures = await Promise.all(
    clients.map(async (client) => captureEchoRequests(lab, client, seen.get(client.address) ?? [])),
  );
  await Promise.all(
    flows.map(async (flow) => {
      const answered = await ping(lab, flow.from.name, flow.to.address);
      evidence.file(`ping/${flowName(flow)}.txt`, answered.text);
      evidence.check(`ping ${flowName(flow)}`, '3 of 3 answers', `${answered.received} of ${answered.sent} answers`);
    }),
  );
  for (const capture of captures) capture.signal('SIGINT'); // tcpdump flushes what it holds
  await Promise.all(captures.map(async (capture) => capture.exited));
  for (const { from, to } of flows) {
    const wanted = `IP ${from.address} > ${to.address}: ICMP echo request`;
    const line = (seen.get(to.address) ?? []).find((each) => each.includes(wanted));
    const observed = line === undefined ? 'no such packet' : wanted;
    evidence.check(`${to.name} sees the pings of ${from.name} from ${from.address}`, wanted, observed);
  }
  for (const client of clients)
    evidence.file(`ping/seen-by-${client.name}.txt`, (seen.get(client.address) ?? []).join('\n'));
}

/** Resolves when tcpdump hears. */
async function captureEchoRequests(lab: Lab, client: Client, lines: string[]): Promise<Stream> {
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
}

export async function sshAll({ lab, evidence }: Stage, flows: readonly Flow[]): Promise<void> {
  const texts = await Promise.all(
    flows.map(async (flow) => {
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

/** One after the other as they come; those of one round at once. */
export async function copyRounds(
  { lab, evidence }: Stage,
  blob: Blob,
  rounds: readonly (readonly Flow[])[],
): Promise<void> {
  for (const round of rounds) {
    await Promise.all(
      round.map(async (flow) => {
        const start = performance.now();
        const copied = await copyOverSsh(lab, flow, blob);
        evidence.measure(`100 MiB ${flowName(flow)}`, performance.now() - start);
        evidence.check(`100 MiB copied ${flowName(flow)}: sha256`, blob.sha256, copied);
      }),
    );
  }
}

export async function nothingTranslates({ lab, evidence }: Stage, routers: Names): Promise<void> {
  await Promise.all(
    routers.map(async ({ name }) => {
      const found = await findTranslation(lab.vm(name));
      evidence.file(`nat/${name}.txt`, found.raw);
      evidence.check(`${name}: NAT rules`, 'none', found.rules);
      evidence.check(`${name}: translated connections`, 'none', found.connections);
    }),
  );
}

export function clientsUnchanged(
  evidence: Stage['evidence'],
  clients: Names,
  { before, now }: { readonly before: Baseline; readonly now: Baseline },
): void {
  for (const { name } of clients) {
    evidence.check(`${name}: default route`, before[name]?.defaultRoute ?? '', now[name]?.defaultRoute ?? '');
    const changed = differences(before[name]?.routes ?? '', now[name]?.routes ?? '');
    evidence.check(`${name}: changes of its route tables`, 'none', changed === '' ? 'none' : changed);
  }
}
