/** Links: whether they are up, their MTU, and that they go. */
import type { LinkSetting } from '../../host-state.ts';
import type { HostFault } from '../../ports.ts';
import { faultOfCommand, ipAnswerOf, type RunHostCommand } from './host-command.ts';

export async function setLink(run: RunHostCommand, setting: LinkSetting): Promise<HostFault | undefined> {
  const set = await run(linkCommand(setting));
  return set.ok ? undefined : faultOfCommand(set.error);
}

export function linkCommand({ name, property, value }: LinkSetting): readonly [string, ...string[]] {
  return ['ip', 'link', 'set', 'dev', name, ...(property === 'mtu' ? ['mtu', value] : [value])];
}

/** Removing what is absent succeeds. */
export async function removeLink(run: RunHostCommand, name: string): Promise<HostFault | undefined> {
  const removed = await run(['ip', 'link', 'del', 'dev', name]);
  if (removed.ok || ipAnswerOf(removed.error.stderr) === 'no-device') return undefined;
  return faultOfCommand(removed.error);
}
