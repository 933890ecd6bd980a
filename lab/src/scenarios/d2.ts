/** D2: a client on the LAN reaches each cloud's client, because one on-prem router answers ARP for it. */
import { ping } from '../client-flows.ts';
import type { Lab } from '../lab.ts';
import { macOf } from '../mac-address.ts';
import type { Scenario, Stage } from '../scenario.ts';
import { clientAt, CLOUDS, FOUR_SITES, routersAt, type Client } from '../topology.ts';

export const d2: Scenario = {
  id: 'D2',
  title: 'an on-prem client reaches each cloud client through proxy ARP',
  asserts: 'exactly one router answers ARP for each cloud client, and each answers pings',
  seconds: 1,
  topology: FOUR_SITES,
  async run(stage) {
    const client = clientAt('onprem');
    // Whatever was learned before proves nothing: the entries have to come from answers of now.
    await stage.lab.vm(client.name).ip([`neigh flush dev ${client.nic}`]);
    await Promise.all(CLOUDS.map(async (cloud) => reachThroughProxyArp(stage, client, clientAt(cloud))));
  },
};

async function reachThroughProxyArp({ lab, evidence }: Stage, client: Client, remote: Client): Promise<void> {
  const answered = await ping(lab, client.name, remote.address);
  evidence.file(`ping-${remote.name}.txt`, answered.text);
  evidence.check(
    `${client.name} reaches ${remote.name}`,
    '3 of 3 answers',
    `${answered.received} of ${answered.sent} answers`,
  );

  const captors = await proxiesOf(lab, remote.address);
  evidence.check(
    `exactly one on-prem router captures ${remote.address}`,
    '1 router',
    `${captors.length} router${captors.length === 1 ? '' : 's'}`,
  );
  const expectedMac = captors.map((router) => macOf(router.address)).join(' ');
  const entry = await lab.vm(client.name).ipOutput('neigh', 'show', remote.address, 'dev', client.nic);
  const [, mac = 'no entry'] = /lladdr (\S+)/.exec(entry) ?? [];
  evidence.check(`the ARP entry for ${remote.address} is that router's MAC`, expectedMac, mac);

  const arping = await lab.vm(client.name).exec(['arping', '-c', '2', '-w', '3', '-I', client.nic, remote.address]);
  const text = arping.ok ? arping.value.stdout : arping.error.stdout;
  evidence.file(`arping-${remote.name}.txt`, text);
  const responders = new Set(
    [...text.matchAll(/\[([0-9A-Fa-f:]{17})\]/g)].map(([, found = '']) => found.toLowerCase()),
  );
  evidence.check(`one machine answers ARP for ${remote.address}`, expectedMac, [...responders].toSorted().join(' '));
}

/** The on-prem routers whose kernel holds a proxy entry for the address. */
async function proxiesOf(lab: Lab, address: string): Promise<readonly { readonly address: string }[]> {
  const held = await Promise.all(
    routersAt('onprem').map(async (router) => {
      const proxies = await lab.vm(router.name).ipOutput('neigh', 'show', 'proxy', 'dev', router.nic);
      return proxies.split('\n').some((line) => line.split(' ')[0] === address) ? [router] : [];
    }),
  );
  return held.flat();
}
