/** Reasons in words, for `explain`. Exhaustive: a new rule does not compile until it is told here. */
import { formatInstant, unreachable } from '@routerd/resources';
import { MOVES_WINDOW_MS } from './freeze.ts';
import type { PlacementLoser, Reason } from './model.ts';

export function renderReason(reason: Reason): string {
  switch (reason.rule) {
    case 'lease.observed':
      return `${reason.source} of site ${reason.site} saw the address at ${formatInstant(reason.observedAt)}`;
    case 'lease.static':
      return `the pool declares the address as owned at ${reason.node}`;
    case 'lease.incumbent-kept':
      return `site ${reason.site} keeps the address over ${reason.over}: its facts are fresh`;
    case 'lease.holding':
      return `site ${reason.from} is held until ${formatInstant(reason.until)}, then ${reason.to} takes over`;
    case 'lease.conflict':
      return `conflict: sites ${reason.incumbent} and ${reason.challenger} both assert the address`;
    case 'lease.stale-owner':
      return `${reason.node} cannot be heard; its lease stands, stale, because silence proves nothing`;
    case 'lease.silent-owner':
      return `${reason.node} cannot be heard, and nothing that it said stands any more`;
    case 'lease.expired-fact':
      return `${reason.source} says that the address is gone`;
    case 'lease.ttl-passed':
      return `${reason.node} no longer asserts the address; its last fact stood until ${formatInstant(reason.expiresAt)}`;
    case 'lease.lapsing':
      return `the lease of ${reason.node} is held until ${formatInstant(reason.until)}, then it ends`;
    case 'lease.frozen':
      return `frozen at site ${reason.site} since ${formatInstant(reason.since)}: it moved ${reason.moves} times within ${MOVES_WINDOW_MS / 1000} s and wanted to move again; until it is released`;
    case 'lease.frozen-by-order':
      return `frozen at site ${reason.site} by ${reason.who}${whyText(reason.why)}; until it is released`;
    case 'lease.released-by-order':
      return `released by ${reason.who}${whyText(reason.why)}: it follows its facts again`;
    case 'lease.handed-by-order':
      return `handed over to site ${reason.to} by ${reason.who}${whyText(reason.why)}`;
    case 'lease.hand-over-waits':
      return `${reason.who} hands it over to site ${reason.to}, which does not assert it yet`;
    case 'lease.handing-over':
      return `site ${reason.from} has released it; the pool hands it over to ${reason.to}, which has not asserted it yet`;
    case 'lease.never-seen':
      return 'nobody has reported the address';
    case 'lease.excluded':
      return `the pool excludes ${reason.by}: addresses in it never move`;
    case 'fact.refused-holder':
      return `a fact of ${reason.source} is ignored: it captures the address itself (${reason.captureKey})`;
    case 'claim.own-site':
      return `the address lives at this site (${reason.site}); it is never captured here`;
    case 'claim.handed-here':
      return `the pool hands the address over from site ${reason.from} to ${reason.to} of this site: a provider refuses it while a router here captures it`;
    case 'claim.derived':
      return `owned by site ${reason.owner}: delivered through ${reason.peer} to ${reason.via}`;
    case 'claim.no-delivery':
      return `no way to deliver to site ${reason.owner}: ${reason.detail}`;
    case 'placement.preferred':
      return `${reason.node} should capture: best priority ${reason.priority}${losersText(reason.losers)}`;
    case 'placement.incumbent':
      return `${reason.node} keeps the capture at equal priority${losersText(reason.losers)}`;
    case 'placement.none-eligible':
      return `no router of this site may capture${losersText(reason.losers)}`;
    case 'placement.no-room':
      return `no NIC of this site has room for the address${losersText(reason.losers)}`;
    case 'capture.gate-closed':
      return `captures nothing: VRRP says ${reason.role}, and only the master answers on this LAN`;
    case 'capture.waiting-ready':
      return `nothing is captured or released before this was read: ${reason.waitingFor.join('; ')}`;
    case 'capture.claiming':
      return `claims the capture in epoch ${reason.epoch}${reason.from === undefined ? '' : `, from ${reason.from}`}`;
    case 'capture.acquiring':
      return `holds epoch ${reason.epoch}; the capture is not verified yet`;
    case 'capture.held':
      return `holds the capture in epoch ${reason.epoch}`;
    case 'capture.standby':
      return `stands by: ${reason.holder ?? 'nobody'} holds epoch ${reason.epoch}`;
    case 'capture.drift':
      return `repairs: ${reason.detail}`;
    case 'capture.held-by-stranger':
      return `the provider says that another NIC holds the address, and it is none of ${reason.asked.join(', ') || 'ours'}: nothing is taken from strangers`;
    case 'capture.ready-to-deliver':
      return `has its NIC forward, so that it can take over and deliver at once (epoch ${reason.epoch})`;
    case 'capture.overlap':
      return `keeps forwarding: ${reason.unread.join(', ')} may not know yet that others deliver now`;
    case 'capture.left-behind':
      return `cleans up: ${reason.detail}`;
    case 'capture.releasing':
      return `releases: ${reason.detail}`;
    default:
      return unreachable(reason);
  }
}

function whyText(why: string): string {
  return why === '' ? '' : ` (${why})`;
}

function losersText(losers: readonly PlacementLoser[]): string {
  return losers.length === 0 ? '' : ` (not ${losers.map(({ node, because }) => `${node}: ${because}`).join(', ')})`;
}
