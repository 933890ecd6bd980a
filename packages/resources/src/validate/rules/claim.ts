/** Claims and their domains, written by hand or derived. */
import type { Problem } from '../../diagnostic.ts';
import { prefixContains } from '../../ipv4.ts';
import type { ResourceOf } from '../../resource.ts';
import { firstByKey, type ResourceIndex } from '../resource-index.ts';
import { errorAt, rule, type Rule } from '../rule.ts';
import { modeInCapabilities } from './pool.ts';
import { unusablePrefix } from './reserved-ranges.ts';

function* claimFits(claim: ResourceOf<'RemoteAddressClaim'>, index: ResourceIndex): Iterable<Problem> {
  const { domainRef, address, capture } = claim.spec;
  const domain = index.get('AddressMobilityDomain', domainRef);
  if (domain !== undefined && !prefixContains(domain.spec.prefix, address)) {
    yield errorAt(['spec', 'address'], {
      code: 'claim.address-outside',
      message: `${address} is outside AddressMobilityDomain ${domainRef} (${domain.spec.prefix}).`,
    });
  }
  if (capture.type === 'provider-secondary-ip') {
    yield* modeInCapabilities(capture, index, ['spec', 'capture', 'providerMode']);
  }
}

const firstClaim = firstByKey('RemoteAddressClaim', ({ spec }) => [spec.address]);

/** Of two claims for one address only one route could be installed. Derived claims are unique by construction. */
function* claimedOnce(claim: ResourceOf<'RemoteAddressClaim'>, index: ResourceIndex): Iterable<Problem> {
  const first = firstClaim(index).get(claim.spec.address);
  if (first === undefined || first === claim) return;
  yield errorAt(['spec', 'address'], {
    code: 'claim.address-twice',
    message: `${claim.spec.address} is already claimed by RemoteAddressClaim/${first.metadata.name}; an address has one claim.`,
  });
}

/** Operators may write a default route; nothing that routerd derives may touch it. */
function* noDerivedDefault(route: ResourceOf<'IPv4Route'>): Iterable<Problem> {
  if (route.spec.destination !== '0.0.0.0/0') return;
  yield errorAt(['spec', 'destination'], {
    code: 'prefix.default-route',
    message: 'Default routes are not allowed in dynamic configuration.',
  });
}

export const claimRules: readonly Rule[] = [
  rule('RemoteAddressClaim', claimFits),
  rule('RemoteAddressClaim', claimedOnce, { appliesTo: 'authored' }),
  rule('AddressMobilityDomain', (domain) => unusablePrefix(domain.spec.prefix, ['spec', 'prefix'])),
  rule('IPv4Route', noDerivedDefault, { appliesTo: 'derived' }),
];
