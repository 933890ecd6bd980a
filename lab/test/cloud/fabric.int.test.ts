/** The fabric and the metadata service, as guests, neighbours on the WAN and whoever starts the process find them. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { METADATA_ADDRESS } from '../../src/cloud/fabric-rules.ts';
import { waitUntil } from '../../src/wait-until.ts';
import { INTERNET, openCloudRig, type CloudRig } from './cloud-rig.ts';

const [A, B, CLIENT] = ['aws-router-a', 'aws-router-b', 'aws-client'] as const;

let rig: CloudRig;

beforeAll(async () => {
  rig = await openCloudRig('aws');
});

afterAll(async () => {
  await rig?.close();
});

beforeEach(async () => {
  await rig.reset();
});

const publicOf = (name: string): string => rig.instance(name).publicIp ?? '';
const dropped = async (counter: string): Promise<number> => (await rig.control.state()).dropped[counter] ?? 0;

/** The status and body of a request with curl-like options, made inside a guest. */
async function http(
  guest: string,
  path: string,
  {
    method = 'GET',
    headers = {},
  }: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const program = `const r = await fetch(process.argv[1], JSON.parse(process.argv[2])); console.log(r.status, await r.text())`;
  const url = `http://${METADATA_ADDRESS}${path}`;
  const options = JSON.stringify({ method, headers });
  const argv = [process.execPath, '--input-type=module', '-e', program, url, options];
  return (await rig.guest(guest).output(argv)).trim();
}

test('guests of one subnet reach each other and the gateway, each seeing the true source', async () => {
  const seen: string[] = [];
  const dump = ['tcpdump', '-l', '-n', '-i', 'eth0', '-c', '1', 'icmp and icmp[icmptype] = icmp-echo'];
  const watch = await rig.guest(CLIENT).stream(dump, (line) => seen.push(line));
  await waitUntil('tcpdump', () => seen.some((line) => line.includes('listening')) || undefined, {
    deadlineMs: 30_000,
  });
  expect(await rig.reaches(A, '10.77.60.11')).toBe(true);
  await watch.exited;
  expect(seen.join('\n')).toContain('10.77.60.4 > 10.77.60.11');
  expect(await rig.reaches(CLIENT, '10.77.60.1')).toBe(true);
});

test('an address that nobody has gets no answer to ARP', async () => {
  expect(await rig.pings(CLIENT, '10.77.60.99')).toBe(false);
  expect(await rig.guest(CLIENT).ipOutput('neigh', 'show', '10.77.60.99')).not.toContain('lladdr');
});

test('an instance with a public address is known by it outside, in both directions; one without is unreachable', async () => {
  const internet = rig.internet;
  const seen: string[] = [];
  const dump = ['tcpdump', '-l', '-n', '-i', 'wan0', '-c', '1', 'icmp and icmp[icmptype] = icmp-echo'];
  const watch = await internet.stream(dump, (line) => seen.push(line));
  await waitUntil('tcpdump', () => seen.some((line) => line.includes('listening')) || undefined, {
    deadlineMs: 30_000,
  });
  expect(await rig.reaches(A, INTERNET)).toBe(true);
  await watch.exited;
  expect(seen.join('\n')).toContain(`${publicOf(A)} > ${INTERNET}`);
  const inbound = async (address: string): Promise<boolean> =>
    (await internet.exec(['ping', '-n', '-c', '1', '-W', '1', address])).ok;
  expect(await inbound(publicOf(A))).toBe(true);
  expect(await inbound('10.77.60.4')).toBe(false);
});

test('UDP keeps its ports through the one-to-one mapping, whoever speaks first', async () => {
  const listener = ['socat', '-u', 'UDP-RECVFROM:51803,reuseaddr', 'STDOUT'];
  const say = (to: string): readonly string[] => [
    'sh',
    '-c',
    `echo hello | socat -u STDIN UDP-SENDTO:${to}:51803,sourceport=51801`,
  ];
  const heard: string[] = [];
  const onA = await rig.guest(A).stream(listener, (line) => heard.push(`inside ${line}`));
  await rig.guest(A).listening(51_803, 'udp');
  await rig.internet.output(say(publicOf(A)));
  await onA.exited;
  const dump = ['tcpdump', '-l', '-n', '-i', 'wan0', '-c', '1', 'udp dst port 51803'];
  const watch = await rig.internet.stream(dump, (line) => heard.push(line));
  await waitUntil('tcpdump', () => heard.some((line) => line.includes('listening')) || undefined, {
    deadlineMs: 30_000,
  });
  await rig.guest(A).output(say(INTERNET));
  await watch.exited;
  expect(heard).toContain('inside hello');
  expect(heard.join('\n')).toContain(`${publicOf(A)}.51801 > ${INTERNET}.51803`);
});

test('routers of one cloud reach each other by their public addresses, too', async () => {
  expect(await rig.reaches(A, publicOf(B))).toBe(true);
});

test('the metadata service speaks only version 2, to each instance about itself', async () => {
  expect(await http(A, '/latest/meta-data/instance-id')).toBe('401 Unauthorized');
  const ttl = 'x-aws-ec2-metadata-token-ttl-seconds';
  const ask = async (headers: Record<string, string>): Promise<string> =>
    http(A, '/latest/api/token', { method: 'PUT', headers });
  expect(await ask({})).toContain('400');
  expect(await ask({ [ttl]: '21601' })).toContain('400');
  expect(await ask({ [ttl]: '60', 'x-forwarded-for': '10.0.0.1' })).toContain('403');
  const [, token = ''] = (await ask({ [ttl]: '60' })).split(' ');
  const read = async (guest: string, path: string): Promise<string> =>
    http(guest, path, { headers: { 'x-aws-ec2-metadata-token': token } });
  expect(await read(A, '//latest/meta-data/instance-id')).toBe(`200 ${rig.instance(A).instanceId}`);
  expect(await read(B, '/latest/meta-data/instance-id')).toBe('401 Unauthorized');
  expect(await read(A, '/latest/meta-data/nothing')).toBe('404 Not Found');
});

test('local-ipv4s tells of an address when packets arrive there', async () => {
  const [, token = ''] = (
    await http(A, '/latest/api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } })
  ).split(' ');
  await rig.control.changeAddresses(A, { assign: ['10.77.60.10'] });
  await rig.fabricHas(A, '10.77.60.10');
  const path = `/latest/meta-data/network/interfaces/macs/${rig.instance(A).mac}/local-ipv4s`;
  expect(await http(A, path, { headers: { 'x-aws-ec2-metadata-token': token } })).toBe('200 10.77.60.4\n10.77.60.10');
});

test('nobody gets at the metadata service or the subnet from the WAN, or in another’s name', async () => {
  await rig.internet.ip([
    `route replace ${METADATA_ADDRESS}/32 via 198.51.100.30`,
    'addr replace 10.77.60.4/32 dev lo',
  ]);
  const before = [await dropped('metadatadrop'), await dropped('wandrop'), await dropped('srcdrop')];
  await rig.internet.exec(['ping', '-n', '-c', '1', '-W', '1', METADATA_ADDRESS]);
  await rig.internet.exec(['ping', '-n', '-c', '1', '-W', '1', '-I', '10.77.60.4', publicOf(B)]);
  await rig.guest(CLIENT).ip(['addr replace 10.77.60.4/32 dev lo']);
  await rig.guest(CLIENT).exec(['ping', '-n', '-c', '1', '-W', '1', '-I', '10.77.60.4', '10.77.60.5']);
  await rig.guest(CLIENT).exec(['ping', '-n', '-c', '1', '-W', '1', '-I', '10.77.60.4', METADATA_ADDRESS]);
  await rig.guest(CLIENT).ip(['addr del 10.77.60.4/32 dev lo']);
  const after = [await dropped('metadatadrop'), await dropped('wandrop'), await dropped('srcdrop')];
  expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([2, 1, 1]);
});

test('a machine without power is silent, keeps its addresses, and comes back', async () => {
  await rig.control.changeAddresses(B, { assign: ['10.77.60.10'] });
  await rig.fabricHas(B, '10.77.60.10');
  await rig.guest(B).ip(['addr add 10.77.60.10/32 dev lo']);
  expect(await rig.reaches(CLIENT, '10.77.60.10')).toBe(true);
  await rig.control.setPower(B, 'off');
  expect(await rig.pings(CLIENT, '10.77.60.10')).toBe(false);
  const { nics } = await rig.control.state();
  expect(nics.find(({ instance }) => instance === B)).toMatchObject({
    power: 'off',
    controlPlane: { addresses: ['10.77.60.5', '10.77.60.10'] },
  });
  await rig.fabric.ip([`link set ${rig.instance(B).device} down`]); // the kernel forgets the routes
  await rig.control.setPower(B, 'on');
  expect(await rig.reaches(CLIENT, '10.77.60.10')).toBe(true);
  await rig.guest(B).ip(['addr del 10.77.60.10/32 dev lo']);
});

test('a metadata service that hangs answers nobody until the client gives up, and the next request as ever', async () => {
  await rig.control.layFault({ operation: 'GET /latest/meta-data/mac', kind: 'hang' });
  const [, token = ''] = (
    await http(A, '/latest/api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } })
  ).split(' ');
  const program = `await fetch(process.argv[1], { headers: { 'x-aws-ec2-metadata-token': process.argv[2] }, signal: AbortSignal.timeout(300) })`;
  const url = `http://${METADATA_ADDRESS}/latest/meta-data/mac`;
  const argv = [process.execPath, '--input-type=module', '-e', program, url, token];
  const hung = await rig.guest(A).exec(argv);
  expect(hung.ok ? '' : hung.error.stderr).toContain('TimeoutError');
  expect((await rig.guest(A).exec(argv)).ok).toBe(true);
});

test('the control API refuses what it does not know', async () => {
  await expect(rig.control.setPower('nobody', 'off')).rejects.toThrow('404');
  await expect(rig.control.changeAddresses(A, { assign: ['10.1.1.1'] })).rejects.toThrow('address.outside-subnet');
  await expect(rig.control.layFault({ operation: 'x', kind: 'delay', count: 0 })).rejects.toThrow('400');
});

test('SIGTERM ends the process cleanly, a new one starts over in the same namespace', async () => {
  await rig.control.changeAddresses(A, { assign: ['10.77.60.10'] });
  await rig.fabricHas(A, '10.77.60.10');
  const watch = await rig.control.watch(() => undefined);
  expect(await rig.stop('SIGTERM')).toBe(0);
  watch.stop();
  expect(existsSync(rig.config.controlSocket)).toBe(false);
  await rig.start();
  const { nics } = await rig.control.state();
  expect(nics.map(({ fabric }) => fabric.addresses)).toEqual([['10.77.60.4'], ['10.77.60.5'], ['10.77.60.11']]);
  expect(await rig.fabric.ipOutput('route', 'show', '10.77.60.10')).toBe('');
  expect(await rig.reaches(CLIENT, '10.77.60.4')).toBe(true);
});

test('a start that cannot succeed says why and leaves with 1', async () => {
  expect(await rig.stop('SIGKILL')).toBe(null);
  await expect(rig.start({ ...rig.config, apiAddress: 'nonsense' })).rejects.toThrow(/exit 1[^]*nonsense/);
  const [first, ...others] = rig.config.instances;
  if (first === undefined) throw new Error('no instance');
  const unplugged = [{ ...first, device: 'e-nowhere' }, ...others];
  await expect(rig.start({ ...rig.config, instances: unplugged })).rejects.toThrow(/exit 1[^]*e-nowhere/);
  await expect(rig.start({ ...rig.config, mutationDelayMs: -1 })).rejects.toThrow(/exit 1[^]*mutationDelayMs/);
  await rig.start();
});
