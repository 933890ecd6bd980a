/** IPIP and GRE tunnels of the kernel. */
import type { HostFault } from '../../ports.ts';
import type { TunnelState } from '../../host-state.ts';
import { faultOfCommand, ipAnswerOf, type HostCommand, type RunHostCommand } from './host-command.ts';
import { parseTunnels } from './ip-json.ts';
import { linkUpCommand } from './link-settings.ts';

/** Modules of Linux, by mode. */
const MODULES = { ipip: 'ipip', gre: 'ip_gre' } as const;

/** Makes the tunnel, or gives one of its mode that is there the ends that are wanted. The link is up afterwards. */
export async function createTunnel(run: RunHostCommand, tunnel: TunnelState): Promise<HostFault | undefined> {
  const added = await run(tunnelCommand('add', tunnel));
  if (added.ok) return raise(run, tunnel);
  const { name, mode, local, remote } = tunnel;
  switch (ipAnswerOf(added.error.stderr)) {
    case 'unsupported':
      return {
        code: 'host.unsupported',
        detail: `the kernel has no ${mode} tunnels (${added.error.stderr.trim()}): ${name} needs its module ${MODULES[mode]}`,
        retry: 'later',
      };
    case 'exists': {
      const shown = await run(['ip', '-j', '-d', 'link', 'show', 'dev', name]);
      if (!shown.ok) {
        const detail = `${name} cannot be made: there is another ${mode} tunnel from ${local} to ${remote}`;
        return { code: 'host.refused', detail, retry: 'later' };
      }
      if (parseTunnels(JSON.parse(shown.value.stdout)).some((present) => present.mode === mode))
        return changeTunnel(run, tunnel);
      return { code: 'host.refused', detail: `${name} is there and no ${mode} tunnel`, retry: 'later' };
    }
    case 'absent':
    case 'no-device':
    case 'not-permitted':
    case 'other':
      return faultOfCommand(added.error);
  }
}

export async function changeTunnel(run: RunHostCommand, tunnel: TunnelState): Promise<HostFault | undefined> {
  const changed = await run(tunnelCommand('change', tunnel));
  return changed.ok ? raise(run, tunnel) : faultOfCommand(changed.error);
}

async function raise(run: RunHostCommand, tunnel: TunnelState): Promise<HostFault | undefined> {
  const up = await run(linkUpCommand(tunnel));
  return up.ok ? undefined : faultOfCommand(up.error);
}

/** @param verb a change without a key takes the one away that there was */
export function tunnelCommand(
  verb: 'add' | 'change',
  { name, mode, local, remote, ttl, key }: TunnelState,
): HostCommand {
  return [
    ...(['ip', 'link', verb, 'dev', name, 'type', mode, 'local', local, 'remote', remote, 'ttl', `${ttl}`] as const),
    ...(key === undefined ? (mode === 'gre' && verb === 'change' ? ['nokey'] : []) : ['key', `${key}`]),
  ];
}
