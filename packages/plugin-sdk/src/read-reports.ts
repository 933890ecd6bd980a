/** What executors of all providers say alike when they only look: pages, addresses and where they are, permissions. */
import { setTimeout as delay } from 'node:timers/promises';
import { bareAddress } from './nic-target.ts';
import type { CheckReport, InventoryPage, PreflightReport } from './executor-plugin.ts';
import { INVENTORY_PAGE_ENTRIES_MAX } from './protocol-parts.ts';
import type { Verb } from './protocol.ts';

type Entry = InventoryPage['entries'][number];
type Finding = PreflightReport['findings'][number];
type CheckedAddress = CheckReport['results'][number];

/**
 * A part of a listing that was read whole. The listing is read again for each page, so what moves meanwhile may be told twice or not at all;
 * subnets that need a second page have thousands of addresses.
 * @param page `nextPage` of the page before
 */
export function pageOf(all: readonly Entry[], page: string | undefined): Pick<InventoryPage, 'entries' | 'nextPage'> {
  const start = /^\d{1,9}$/.test(page ?? '') ? Number(page) : 0;
  const end = start + INVENTORY_PAGE_ENTRIES_MAX;
  return { entries: all.slice(start, end), ...(end < all.length ? { nextPage: String(end) } : {}) };
}

/** Who has an address. */
export interface AddressHolder {
  readonly nicRef: string;
  readonly captureEpoch?: number | undefined;
}

/** A listing may lag behind a write: what it shows nobody to have is looked up once more after that time. Milliseconds. */
const SECOND_LOOK_MS = 500;

/**
 * @param lookUp the holders of the addresses that have one, by bare address; called again for those that nobody had
 * @returns one result for each address, in their order
 */
export async function checkAddresses(
  nicRef: string,
  addresses: readonly string[],
  lookUp: (bare: readonly string[]) => Promise<ReadonlyMap<string, AddressHolder>>,
): Promise<readonly CheckedAddress[]> {
  const holders = new Map(await lookUp(addresses.map(bareAddress)));
  const missing = addresses.map(bareAddress).filter((bare) => !holders.has(bare));
  if (missing.length > 0) {
    await delay(SECOND_LOOK_MS);
    for (const [bare, holder] of await lookUp(missing)) holders.set(bare, holder);
  }
  return addresses.map((address): CheckedAddress => {
    const bare = bareAddress(address);
    const holder = holders.get(bare);
    if (holder === undefined) return { address, state: 'absent', message: `two looks show ${bare} at no NIC` };
    const epoch = holder.captureEpoch === undefined ? {} : { captureEpoch: holder.captureEpoch };
    // Ids of some providers come back in another case than they were given.
    return holder.nicRef.toLowerCase() === nicRef.toLowerCase()
      ? { address, state: 'present', message: `${nicRef} has ${bare}`, ...epoch }
      : { address, state: 'elsewhere', holder: holder.nicRef, message: `${holder.nicRef} has ${bare}`, ...epoch };
  });
}

/** A permission that some verbs need. */
export interface NeededPermission {
  /** The provider's own name of it. */
  readonly permission: string;
  readonly actions: readonly Verb[];
}

/** @returns those of the permissions that are needed for what is asked, with these verbs alone */
export function neededFor(all: readonly NeededPermission[], asked: readonly Verb[]): readonly NeededPermission[] {
  return all.flatMap(({ permission, actions }) => {
    const wanted = actions.filter((verb) => asked.includes(verb));
    return wanted.length === 0 ? [] : [{ permission, actions: wanted }];
  });
}

/**
 * @param verdict what was found out; `unknown` where nothing could be, short of doing it
 * @param detail how it was found out, or why not; completes "… : "
 */
export function permissionFinding(
  { permission, actions }: NeededPermission,
  {
    verdict,
    detail,
    remedy,
  }: { readonly verdict: Finding['verdict']; readonly detail: string; readonly remedy: string },
): Finding {
  return {
    name: permission,
    permission,
    verdict,
    actions: [...actions],
    message: `${permission}: ${detail}`,
    ...(verdict === 'failed' ? { remedy } : {}),
  };
}
