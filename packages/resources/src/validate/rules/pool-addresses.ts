/** The addresses that a MobilityPool names: owned without being observed, excluded, handed over. */
import type { Problem } from '../../diagnostic.ts';
import { prefixContains, type HostAddress } from '../../ipv4.ts';
import { prefixTable, type PrefixTable } from '../../prefix-table.ts';
import type { ResourceOf } from '../../resource.ts';
import { nearestSpelling } from '../../spelling.ts';
import { errorAt, rule, type Rule } from '../rule.ts';

type Pool = ResourceOf<'MobilityPool'>;
type Path = readonly (string | number)[];

function* excludedInside({ spec }: Pool): Iterable<Problem> {
  for (const [entry, excluded] of spec.excludedAddresses.entries()) {
    if (prefixContains(spec.prefix, excluded)) continue;
    yield errorAt(['spec', 'excludedAddresses', entry], {
      code: 'pool.excluded-outside',
      message: `${excluded} is not inside the pool's prefix ${spec.prefix}; expected a part of it.`,
    });
  }
}

function excludedBy({ spec }: Pool): PrefixTable<string> {
  return prefixTable(spec.excludedAddresses.map((prefix) => [prefix, prefix] as const));
}

function* staticAddresses(pool: Pool): Iterable<Problem> {
  const ownerOf = new Map<string, string>();
  const excluded = excludedBy(pool);
  for (const [position, member] of pool.spec.members.entries()) {
    const path = ['spec', 'members', position, 'staticOwnedAddresses'];
    if (member.role === 'cloud' && member.staticOwnedAddresses.length > 0) {
      yield errorAt(path, {
        code: 'pool.static-owner-role',
        message: `Member "${member.nodeRef}" has role cloud; staticOwnedAddresses are for role onprem (a cloud's inventory says what it owns).`,
        at: 'key',
      });
    }
    for (const [entry, address] of member.staticOwnedAddresses.entries()) {
      yield* mobileAddress(pool, excluded, address, [...path, entry]);
      const owner = ownerOf.get(address);
      if (owner === undefined) ownerOf.set(address, member.nodeRef);
      else {
        yield errorAt([...path, entry], {
          code: 'pool.static-address-twice',
          message: `${address} is already in the staticOwnedAddresses of "${owner}"; an address has one owner.`,
        });
      }
    }
  }
}

function* mobileAddress(
  { spec }: Pool,
  excluded: PrefixTable<string>,
  address: HostAddress,
  path: Path,
): Iterable<Problem> {
  if (!prefixContains(spec.prefix, address)) {
    yield errorAt(path, {
      code: 'pool.static-address-outside',
      message: `${address} is outside MobilityPool prefix ${spec.prefix}.`,
    });
  }
  const [by] = excluded.containing(address);
  if (by === undefined) return;
  yield errorAt(path, {
    code: 'pool.static-address-excluded',
    message: `${address} is owned here and excluded by ${by}; an excluded address never moves.`,
  });
}

function* staticHandovers(pool: Pool): Iterable<Problem> {
  const { members } = pool.spec;
  const byName = new Map<string, (typeof members)[number]>(members.map((member) => [member.nodeRef, member]));
  const ownerOf = new Map(
    members.flatMap(({ nodeRef, staticOwnedAddresses }) =>
      staticOwnedAddresses.map((address) => [address, nodeRef] as const),
    ),
  );
  const excluded = excludedBy(pool);
  const seen = new Set<string>();
  for (const [position, { address, fromNodeRef, toNodeRef }] of pool.spec.staticHandovers.entries()) {
    const path = ['spec', 'staticHandovers', position];
    yield* mobileAddress(pool, excluded, address, [...path, 'address']);
    yield* isMember(byName, fromNodeRef, [...path, 'fromNodeRef']);
    yield* isMember(byName, toNodeRef, [...path, 'toNodeRef']);
    if (byName.get(fromNodeRef)?.role === 'cloud') {
      yield errorAt([...path, 'fromNodeRef'], {
        code: 'pool.handover-node',
        message: `"${fromNodeRef}" has role cloud; a static handover is from an onprem member (what a cloud owns is what its inventory shows).`,
      });
    }
    if (fromNodeRef === toNodeRef) {
      yield errorAt([...path, 'toNodeRef'], {
        code: 'pool.handover-node',
        message: `The handover leads from "${fromNodeRef}" to itself; expected another member.`,
      });
    }
    const owner = ownerOf.get(address);
    if (owner !== undefined && owner !== fromNodeRef) {
      yield errorAt([...path, 'fromNodeRef'], {
        code: 'pool.handover-address',
        message: `${address} is in the staticOwnedAddresses of "${owner}", so it cannot be handed over by "${fromNodeRef}".`,
        remedy: `Write fromNodeRef: ${owner}.`,
      });
    }
    if (seen.has(address)) {
      yield errorAt([...path, 'address'], {
        code: 'pool.handover-twice',
        message: `${address} is handed over already; an address has one handover.`,
      });
    }
    seen.add(address);
  }
}

function* isMember(members: ReadonlyMap<string, unknown>, node: string, path: Path): Iterable<Problem> {
  if (members.has(node)) return;
  const names = [...members.keys()];
  const nearest = nearestSpelling(node, names);
  yield errorAt(path, {
    code: 'pool.handover-node',
    message: `"${node}" is not a member; members: ${names.slice(0, 12).join(', ')}${names.length > 12 ? ', …' : ''}.`,
    ...(nearest === undefined ? {} : { remedy: `Did you mean "${nearest}"?` }),
  });
}

export const poolAddressRules: readonly Rule[] = [
  rule('MobilityPool', excludedInside),
  rule('MobilityPool', staticAddresses),
  rule('MobilityPool', staticHandovers),
];
