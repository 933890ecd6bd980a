/** Tells our own changes, which the kernel reports like any other, from somebody else's. */
import type { HostPicture } from '../host-picture.ts';
import type { HostEvent, KernelChange } from '../ports.ts';

type Changed = Extract<HostEvent, { readonly kind: 'changed' }>;

/**
 * True if some of the changes do not agree with what is known, so that the host must be read again.
 * A change that names no object never agrees: a link that goes takes routes and proxy neighbours with it, and nothing is said of them.
 */
export function contradicts(picture: HostPicture, changes: readonly Changed[]): boolean {
  if (changes.some(({ change }) => change === undefined)) return true;
  // Of several changes of one place the last one counts.
  const last = new Map<string, KernelChange>();
  for (const { change } of changes) if (change !== undefined) last.set(change.slot, change);
  return [...last.values()].some(({ slot, value }) => !agrees(picture.textIn(slot), value));
}

function agrees(known: string | undefined, value: string | undefined): boolean {
  if (known === undefined) return value === undefined || value === 'foreign';
  // A route that was desired by its gateway alone is known without the device that the kernel chose.
  return known === value || (value !== undefined && known.startsWith('via ') && value.startsWith(`${known} dev `));
}
