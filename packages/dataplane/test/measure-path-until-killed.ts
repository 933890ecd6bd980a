/**
 * Measures one path in the network namespace that it is started in, and writes what it finds, a line of JSON whenever that changes, until
 * it is killed: `node measure-path-until-killed.ts OWN PEER DEVICE-MTU`.
 */
import { parseIpv4, type Ipv4 } from '@routerd/resources';
import { createLog, systemClock } from '@routerd/runtime';
import { createUdpPathWire } from '../src/adapters/linux/udp-path-wire.ts';
import { createPathProber } from '../src/overlay/path-prober.ts';

const LOOK_EVERY_MS = 100;
const [own = '', peer = '', mtu = ''] = process.argv.slice(2);
const clock = systemClock;
const log = createLog('silent');
const prober = createPathProber({ clock, log, random: Math.random, wire: createUdpPathWire({ clock, log }) });
prober.setDesired({
  paths: [
    {
      peer: 'peer',
      device: 'wan0',
      from: quad(own),
      to: quad(peer),
      deviceMtu: Number(mtu),
      estimatedMtu: Number(mtu) - 80,
    },
  ],
  unmeasured: new Map(),
});
setInterval(() => console.log(JSON.stringify(prober.status('peer'))), LOOK_EVERY_MS);

function quad(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (!parsed.ok) throw new Error(parsed.error.code);
  return parsed.value;
}
