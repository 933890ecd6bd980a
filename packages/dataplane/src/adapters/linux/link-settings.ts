/** Links: whether they are up, their MTU, and that they go. */
import type { LinkSetting } from '../../host-state.ts';
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, ipAnswerOf, type HostCommand, type RunHostCommand } from './host-command.ts';

export async function setLink(run: RunHostCommand, setting: LinkSetting): Promise<HostFault | undefined> {
  const set = await run(linkCommand(setting));
  return set.ok ? undefined : faultOfCommand(set.error);
}

export function linkCommand({ name, property, value }: LinkSetting): HostCommand {
  return ['ip', 'link', 'set', 'dev', name, ...(property === 'mtu' ? ['mtu', value] : [value])];
}

export function linkUpCommand({ name, mtu }: { readonly name: string; readonly mtu: number }): HostCommand {
  return ['ip', 'link', 'set', 'dev', name, 'mtu', `${mtu}`, 'up'];
}

export function linkRemovalCommand(name: string): HostCommand {
  return ['ip', 'link', 'del', 'dev', name];
}

/** Removing what is absent succeeds. */
export async function removeLink(run: RunHostCommand, name: string): Promise<HostFault | undefined> {
  const removed = await run(linkRemovalCommand(name));
  if (removed.ok || ipAnswerOf(removed.error.stderr) === 'no-device') return undefined;
  return faultOfCommand(removed.error);
}
