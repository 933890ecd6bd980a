/** What the members of a MobilityPool must be to each other: roles, sites and placement groups. */
import type { Problem } from '../../diagnostic.ts';
import type { ResourceOf } from '../../resource.ts';
import { errorAt, rule, warningAt, type Rule } from '../rule.ts';

type Pool = ResourceOf<'MobilityPool'>;
type Member = Pool['spec']['members'][number];

const CAPTURE_OF_ROLE = { cloud: 'provider-secondary-ip', onprem: 'proxy-arp' } as const;

function* eachMember(pool: Pool): Iterable<Problem> {
  const seen = new Set<string>();
  for (const [position, member] of pool.spec.members.entries()) {
    const path = ['spec', 'members', position];
    if (seen.has(member.nodeRef)) {
      yield errorAt([...path, 'nodeRef'], {
        code: 'pool.member-twice',
        message: `"${member.nodeRef}" is a member already; a node may be listed once.`,
      });
    }
    seen.add(member.nodeRef);
    const wanted = CAPTURE_OF_ROLE[member.role];
    if (member.capture.type !== wanted) {
      yield errorAt([...path, 'capture', 'type'], {
        code: 'pool.capture-of-role',
        message: `Member "${member.nodeRef}" has role ${member.role} and captures by ${member.capture.type}; role ${member.role} captures by ${wanted}.`,
      });
    }
    yield* placementOf(member, path);
  }
}

/** A LAN's capture domain is its segment, so on-premises routers need no group; cloud routers are grouped by hand. */
function* placementOf(member: Member, path: readonly (string | number)[]): Iterable<Problem> {
  const { placement, maintenance, role, nodeRef } = member;
  if (role === 'onprem') {
    if (placement?.group === undefined) return;
    yield errorAt([...path, 'placement', 'group'], {
      code: 'pool.group-of-onprem',
      message: `Member "${nodeRef}" has role onprem; placement.group is for role cloud (the routers of a LAN share its segment).`,
      remedy: 'Remove the group; placement.priority alone is allowed.',
    });
    return;
  }
  if (placement?.group !== undefined) return;
  if (placement !== undefined) {
    yield errorAt([...path, 'placement'], {
      code: 'pool.priority-without-group',
      message: `Member "${nodeRef}" has a placement without a group; a priority decides among the members of a group.`,
      remedy: 'Add placement.group.',
      at: 'key',
    });
  }
  if (maintenance?.drain === true) {
    yield errorAt([...path, 'maintenance', 'drain'], {
      code: 'pool.drain-without-group',
      message: `Member "${nodeRef}" is to be drained, but without placement.group nobody takes its captures over.`,
      remedy: 'Add placement.group to it and to its stand-in.',
    });
  }
}

const SHARED = ['site', 'role'] as const;

function* groupsShare(pool: Pool): Iterable<Problem> {
  const firstOf = new Map<string, Member>();
  for (const [position, member] of pool.spec.members.entries()) {
    const group = member.placement?.group;
    if (group === undefined) continue;
    const first = firstOf.get(group);
    if (first === undefined) {
      firstOf.set(group, member);
      continue;
    }
    const path = ['spec', 'members', position];
    const differs = (field: string, own: string, others: string): Problem =>
      errorAt([...path, ...field.split('.')], {
        code: 'pool.group-differs',
        message: `"${member.nodeRef}" has ${field} ${own}, "${first.nodeRef}" has ${others}; the members of placement group "${group}" share it.`,
      });
    for (const field of SHARED) {
      if (member[field] !== first[field]) yield differs(field, member[field], first[field]);
    }
    const [own, others] = [member.capture, first.capture];
    if (own.type !== 'provider-secondary-ip' || others.type !== 'provider-secondary-ip') continue;
    if (own.providerRef !== others.providerRef) {
      yield differs('capture.providerRef', own.providerRef, others.providerRef);
    }
  }
}

/** One site is one LAN or one cloud network: its routers must know that they capture for the same hosts. */
function* sitesAgree(pool: Pool): Iterable<Problem> {
  const firstAt = new Map<string, Member>();
  for (const [position, member] of pool.spec.members.entries()) {
    const first = firstAt.get(member.site);
    if (first === undefined) {
      firstAt.set(member.site, member);
      continue;
    }
    const path = ['spec', 'members', position];
    if (first.role !== member.role) {
      yield errorAt([...path, 'role'], {
        code: 'pool.site-of-two-roles',
        message: `"${member.nodeRef}" has role ${member.role}, "${first.nodeRef}" has ${first.role}; all members at site "${member.site}" have one role.`,
      });
    } else if (member.role === 'cloud') yield* cloudSite(member, first, path);
    else if (member.capture.interface !== first.capture.interface) {
      yield warningAt([...path, 'capture', 'interface'], {
        code: 'pool.site-of-two-segments',
        message: `"${member.nodeRef}" captures on ${member.capture.interface}, "${first.nodeRef}" on ${first.capture.interface}: they are taken for two segments of site "${member.site}" and both capture.`,
        remedy: 'If it is one LAN, give the interface the same name on both routers.',
      });
    }
  }
}

/** Without a common group none of them ever takes over from another (and two of them would capture one address). */
function* cloudSite(member: Member, first: Member, path: readonly (string | number)[]): Iterable<Problem> {
  const group = member.placement?.group;
  if (group !== undefined && group === first.placement?.group) return;
  const message =
    group === undefined || first.placement?.group === undefined
      ? `"${first.nodeRef}" and "${member.nodeRef}" are cloud members at site "${member.site}" without a common placement.group: neither would take over from the other.`
      : `"${first.nodeRef}" (group "${first.placement.group}") and "${member.nodeRef}" (group "${group}") are at one site: both would capture each address there.`;
  yield errorAt([...path, 'placement', 'group'], {
    code: 'pool.site-without-group',
    message,
    remedy: 'Give all cloud members of the site one placement.group.',
  });
}

export const poolMemberRules: readonly Rule[] = [
  rule('MobilityPool', eachMember),
  rule('MobilityPool', groupsShare),
  rule('MobilityPool', sitesAgree),
];
