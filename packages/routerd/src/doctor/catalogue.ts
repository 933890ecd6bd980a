/** Every check by its code. A check that is not here cannot be written, and one that is here is shown to fail and to pass by a test. */

export const DOCTOR_CHECKS = {
  hybrid: [
    'resources',
    'underlay-interface',
    'overlay-path-silent',
    'overlay-path-one-way',
    'overlay-path-loss',
    'overlay-path-mtu',
    'route-peer',
    'default-route',
    'route-mtu',
    'route-health-check',
    'health-check',
    'route-installed',
    'domain-peer',
    'claim-domain',
    'claim-peer',
    'capture-type',
    'lowered',
    'lease-conflict',
    'virtual-address',
    'vrrp-master',
    'ip-forward',
    'delivery-route',
    'route-get',
    'allowed-ips',
    'mss-to-tunnel',
    'mss-to-capture',
    'mss-interface',
    'host-firewall',
    'foreign-table',
    'forward-policy',
    'capture-interface',
    'proxy-arp',
    'proxy-neighbor',
    'closed-gate',
    'duplicate-responder',
    'rp-filter',
    'os-address',
    'host',
  ],
  federation: [
    'group',
    'connected',
    'caught-up',
    'outbox',
    'refused',
    'hub-place',
    'member',
    'behind',
    'own-clock',
    'clock',
    'pools',
  ],
  dynamic: ['effective-config', 'part', 'part-expiry', 'override-policy'],
  plugin: ['plugins', 'executable', 'last-run', 'result'],
  actions: ['failed', 'waiting', 'epoch', 'holder', 'policy'],
} as const;

export type DoctorArea = keyof typeof DOCTOR_CHECKS;

/** In the order in which they are examined. */
export const DOCTOR_AREAS = ['hybrid', 'federation', 'dynamic', 'plugin', 'actions'] as const satisfies DoctorArea[];

/** Name of a check within its area. */
export type CheckName<Area extends DoctorArea> = (typeof DOCTOR_CHECKS)[Area][number];

/** Checks that read the kernel: these are broken and mended on a real one. */
export const HOST_CHECKS = [
  'route-installed',
  'ip-forward',
  'delivery-route',
  'route-get',
  'allowed-ips',
  'mss-to-tunnel',
  'mss-to-capture',
  'host-firewall',
  'foreign-table',
  'forward-policy',
  'capture-interface',
  'proxy-arp',
  'proxy-neighbor',
  'closed-gate',
  'duplicate-responder',
  'rp-filter',
  'os-address',
  'host',
] as const satisfies readonly CheckName<'hybrid'>[];
