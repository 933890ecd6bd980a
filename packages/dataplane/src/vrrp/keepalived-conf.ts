/** The configuration file of keepalived 2.2 for a set of virtual routers. Pure. */
import { bareAddress } from '@routerd/resources';
import type { VirtualRouter } from './virtual-router.ts';

export interface KeepalivedPaths {
  /** Where keepalived writes changes of state. */
  readonly fifo: string;
  /** Program that keepalived runs, with interface and virtual address, when this host is master no more. */
  readonly withdrawScript: string;
}

/** First line of every file of ours, so that a process can be told by its configuration. */
export const KEEPALIVED_MARK = '# routerd.owner=routerd';

/** All start as backups: nobody answers before an election was won. The file holds passwords, so only its owner may read it. */
export function renderKeepalived(
  routers: readonly VirtualRouter[],
  passwords: ReadonlyMap<string, string>,
  paths: KeepalivedPaths,
): string {
  return [
    KEEPALIVED_MARK,
    'global_defs {',
    '  router_id routerd',
    '  script_user root',
    '  enable_script_security',
    // An interface that comes later is no mistake of the configuration.
    '  dynamic_interfaces',
    '  vrrp_version 3',
    // Three advertisements that a busy machine sends late would be a hand-over.
    '  vrrp_priority -20',
    `  vrrp_notify_fifo ${paths.fifo}`,
    // Announcements a second after the first ones, for hosts that missed those.
    '  vrrp_garp_master_delay 1',
    '  vrrp_garp_master_repeat 2',
    '}',
    ...routers.flatMap((router) => instance(router, passwords.get(router.passwordFile ?? ''), paths)),
    '',
  ].join('\n');
}

function instance(router: VirtualRouter, password: string | undefined, paths: KeepalivedPaths): readonly string[] {
  const quad = bareAddress(router.address);
  const withdraw = `"${paths.withdrawScript} ${router.interface} ${quad}"`;
  return [
    `vrrp_instance "${router.name}" {`,
    ...(password === undefined ? [] : ['  version 2']),
    '  state BACKUP',
    `  interface ${router.interface}`,
    `  virtual_router_id ${router.virtualRouterId}`,
    `  priority ${router.priority}`,
    `  advert_int ${router.advertIntervalMs / 1000}`,
    ...(router.preempt ? [] : ['  nopreempt']),
    ...(password === undefined ? [] : ['  authentication {', '    auth_type PASS', `    auth_pass ${password}`, '  }']),
    '  unicast_peer {',
    ...router.peers.map((peer) => `    ${peer}`),
    '  }',
    ...tracking(router),
    '  virtual_ipaddress {',
    `    ${quad}/32 dev ${router.interface}`,
    '  }',
    `  notify_backup ${withdraw}`,
    `  notify_fault ${withdraw}`,
    `  notify_stop ${withdraw}`,
    '}',
  ];
}

function tracking({ trackedLinks }: VirtualRouter): readonly string[] {
  if (trackedLinks.length === 0) return [];
  return [
    '  track_interface {',
    ...trackedLinks.map(({ interface: link, penalty }) => `    ${link} weight -${penalty}`),
    '  }',
  ];
}

/**
 * What keepalived itself runs when this host is master no more: takes the proxy neighbours of ours off the interface, also when no
 * routerd runs. What is captured beside the election a routerd puts back with its next reading. Does nothing while the host has the address:
 * then it is master again already.
 * @param routeProtocol mark of proxy neighbours of ours
 */
export function renderWithdrawScript(routeProtocol: number): string {
  return [
    '#!/bin/sh',
    KEEPALIVED_MARK,
    '[ -n "$(ip -4 -o address show dev "$1" to "$2/32")" ] && exit 0',
    'ip neigh show proxy dev "$1" |',
    `  sed -n "s/^\\([0-9.]*\\) .*proto ${routeProtocol}\\b.*/neigh del proxy \\1 dev $1/p" |`,
    '  ip -force -batch -',
    '',
  ].join('\n');
}
