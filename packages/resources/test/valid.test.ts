/** What operators may write, and what becomes of it. */
import { describe, expect, it } from 'vitest';
import { loadConfiguration, loadResources, ofKind, validateResources } from '../src/index.ts';
import { changed, extended, ONPREM, STATIC_PAIR } from './configurations.ts';

const loaded = (text: string) => loadConfiguration([{ file: 'router.yaml', text }]);
const LAN = 'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: {name: lan}\nspec: {ifname: lan0}\n';

describe('valid configuration', () => {
  it('of a fleet with federation has nothing to report', () => {
    expect(loaded(ONPREM).diagnostics).toEqual([]);
    expect(loaded(ONPREM).resources).toHaveLength(11);
  });

  it('of a static pair without federation has nothing to report', () => {
    expect(loaded(STATIC_PAIR).diagnostics).toEqual([]);
  });

  it('gets the documented defaults', () => {
    const resources = loaded(ONPREM).resources.map(({ value }) => value);
    expect(ofKind(resources, 'MobilityPool')[0]?.spec).toMatchObject({
      mode: 'selective-address',
      leasePolicy: { ttl: 300_000, holdDuration: 30_000 },
      capturePolicy: { mode: 'all-non-owner-sites' },
      members: [{ capture: { gratuitousARP: true, configureOSAddress: false } }, {}, {}],
    });
    expect(ofKind(resources, 'EventGroup')[0]?.spec.heartbeat).toEqual({ interval: 500, deadAfter: 5000 });
  });

  it('writes a reference as Kind/name or as the bare name, and means the same', () => {
    const peers = ofKind(
      loaded(ONPREM).resources.map(({ value }) => value),
      'EventPeer',
    );
    expect(peers.map(({ spec }) => spec.groupRef)).toEqual(['fleet', 'fleet']);
  });

  it('allows nothing by default in a policy', () => {
    const bare = 'apiVersion: hybrid.routerd.net/v1alpha1\nkind: ProviderActionPolicy\nmetadata: {name: p}\nspec: {}\n';
    expect(loaded(bare).resources[0]?.value.spec).toMatchObject({
      enabled: false,
      dryRunOnly: true,
      requireApproval: true,
      allowedProviders: [],
      maxActionsPerRun: 0,
    });
  });

  it('may stand inside a Router document', () => {
    const inner = LAN.split('\n').join('\n      ').trimEnd();
    const router = `apiVersion: routerd.net/v1alpha1\nkind: Router\nmetadata: {name: edge}\nspec:\n  resources:\n    - ${inner}\n`;
    const { resources, diagnostics } = loaded(router);
    expect(diagnostics).toEqual([]);
    expect(resources[0]?.value.kind).toBe('Interface');
    expect(resources[0]?.locate({ path: ['spec', 'ifname'], at: 'key' }).path).toBe('spec.resources[0].spec.ifname');
  });

  it('may reuse values by anchor and alias', () => {
    const twice = extended(
      changed(LAN, 'spec: {ifname: lan0}', 'spec: {ifname: &if lan0}'),
      'apiVersion: net.routerd.net/v1alpha1\nkind: IPv4Route\nmetadata: {name: &n office, annotations: {a: *n}}\nspec: {destination: 192.0.2.0/24, device: lan0}\n',
    );
    expect(loaded(twice).diagnostics).toEqual([]);
    expect(loaded(twice).resources[1]?.value.metadata.annotations).toEqual({ a: 'office' });
  });

  it('may have a byte order mark, Windows line ends and empty documents', () => {
    expect(loaded(`\ufeff---\n---\n${LAN}---\n`.replaceAll('\n', '\r\n')).diagnostics).toEqual([]);
  });

  it('may let an operator write a default route', () => {
    const route =
      'apiVersion: net.routerd.net/v1alpha1\nkind: IPv4Route\nmetadata: {name: d}\nspec: {destination: 0.0.0.0/0, gateway: 192.0.2.1}\n';
    expect(loaded(route).diagnostics).toEqual([]);
  });

  it('may give on-premises members a priority and a drain without a group', () => {
    const text = changed(
      ONPREM,
      '      staticOwnedAddresses:',
      '      placement: {priority: 5}\n      maintenance: {drain: true}\n      staticOwnedAddresses:',
    );
    expect(loaded(text).diagnostics).toEqual([]);
  });

  it('may have several EventGroups as long as there is no pool', () => {
    const group = (name: string) =>
      `apiVersion: federation.routerd.net/v1alpha1\nkind: EventGroup\nmetadata: {name: ${name}}\nspec: {nodeName: a, servers: [nats://h:4222], identity: {seedFile: /n.nk}}\n`;
    expect(loaded(extended(group('a'), group('b'))).diagnostics).toEqual([]);
  });

  it('keeps an empty file beside others a warning', () => {
    const { diagnostics } = loadConfiguration([
      { file: 'a.yaml', text: LAN },
      { file: 'b.yaml', text: '# later\n' },
    ]);
    expect(diagnostics.map(({ severity, code, file }) => [severity, code, file])).toEqual([
      ['warning', 'document.empty', 'b.yaml'],
    ]);
  });

  it('is loaded the same twice, and its problems are sorted by place', () => {
    const broken = changed(ONPREM, 'prefix: 10.77.60.0/24', 'prefix: 10.77.60.1/24').replaceAll(
      'role: cloud',
      'role: claud',
    );
    const first = loaded(broken).diagnostics;
    expect(loaded(broken).diagnostics).toEqual(first);
    expect(first.map(({ line }) => line)).toEqual(first.map(({ line }) => line).toSorted((a, b) => a - b));
    expect(first.length).toBeGreaterThan(4);
  });

  it('checks four thousand claims in one go', () => {
    const claims = Array.from({ length: 4000 }, (_, n) => {
      const claim = STATIC_PAIR.split('---\n')[4] ?? '';
      return claim.replace('printer', `claim-${n}`).replace('10.77.60.9/32', `10.77.${n >> 8}.${n & 255}/32`);
    });
    const text = `${STATIC_PAIR.replaceAll('10.77.60.0/24', '10.77.0.0/16').replace('10.77.60.9', '10.77.255.9')}---\n${claims.join('---\n')}`;
    const { resources, diagnostics } = loadResources([{ file: 'many.yaml', text }]);
    expect([resources.length, diagnostics.length]).toEqual([4006, 0]);
    expect(validateResources(resources)).toEqual([]);
  }, 60_000);
});
