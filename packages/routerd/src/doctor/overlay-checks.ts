/** Checks of what is measured all along: paths to overlay peers, and HealthChecks. */
import type { PathStatus } from '@routerd/dataplane';
import { ofKind } from '@routerd/resources';
import type { DoctorFacts } from './doctor-facts.ts';
import { check, type Finding } from './finding.ts';

/** Of the last minute: less is weather. */
const LOSS_MAX = 0.01;

export function overlayFindings({ effective, pathOf, healthOf }: DoctorFacts): readonly Finding[] {
  return [
    ...ofKind(effective, 'OverlayPeer').flatMap(({ metadata }) =>
      pathFindings(`OverlayPeer/${metadata.name}`, pathOf(metadata.name)),
    ),
    ...ofKind(effective, 'HealthCheck').map(({ metadata: { name }, spec }) => {
      const { state, last } = healthOf(name);
      const asked = check('hybrid', 'health-check', `HealthCheck/${name}`);
      if (state === 'healthy') return asked.pass(`${spec.protocol} is answered`);
      if (state === 'unknown') return asked.skip('too little was asked yet');
      return asked.warn(
        last?.kind === 'failed' ? last.detail : 'it was not answered often enough',
        `Look at the target and at the way to it; \`routerctl describe healthcheck/${name}\` shows since when.`,
      );
    }),
  ];
}

function pathFindings(name: string, path: PathStatus): readonly Finding[] {
  const silent = check('hybrid', 'overlay-path-silent', name);
  const oneWay = check('hybrid', 'overlay-path-one-way', name);
  switch (path.phase) {
    case 'unmeasured':
      return [silent.skip(path.detail ?? 'it is not measured')];
    case 'probing':
      return [silent.skip('too little was asked yet')];
    case 'silent':
      return [
        silent.fail(
          'nothing comes back through the tunnel',
          'Is the other router up, and do its keys and AllowedIPs fit? Does a firewall of its host drop UDP 24784 from the tunnel?',
        ),
      ];
    case 'one-way':
      return [
        oneWay.fail(
          'the peer is heard, and what is sent to it does not arrive, or is not answered',
          'Look at the other router: its route back to this one, AllowedIPs, and firewalls on the way there.',
        ),
      ];
    case 'up':
      return [
        silent.pass(`it answers after ${path.rttMs?.toFixed(1) ?? '?'} ms`),
        oneWay.pass('packets arrive in both directions'),
        loss(name, path),
        mtu(name, path),
      ];
  }
}

function loss(name: string, { loss: { roundTrip, toPeer, fromPeer } }: PathStatus): Finding {
  const asked = check('hybrid', 'overlay-path-loss', name);
  const percent = (part: number | undefined): string => (part === undefined ? '?' : `${(part * 100).toFixed(1)} %`);
  // An answer that comes too late is lost to the round trip, and to neither way.
  const text = `${percent(roundTrip)} of the round trips, ${percent(toPeer)} there, ${percent(fromPeer)} back`;
  if (Math.max(roundTrip ?? 0, toPeer ?? 0, fromPeer ?? 0) <= LOSS_MAX) return asked.pass(text);
  return asked.warn(`lost in the last minute: ${text}`, 'Look for a line that is full, or a link with errors.');
}

/** Segments are clamped to the estimate, so nothing else keeps packets below what passes. */
function mtu(name: string, { mtuToPeer, mtuFromPeer, estimatedMtu }: PathStatus): Finding {
  const asked = check('hybrid', 'overlay-path-mtu', name);
  if (mtuToPeer === undefined || estimatedMtu === undefined) return asked.skip('it is not known yet');
  const small = [
    ...(mtuToPeer < estimatedMtu ? [`${mtuToPeer} bytes pass there`] : []),
    ...(mtuFromPeer !== undefined && mtuFromPeer < estimatedMtu ? [`${mtuFromPeer} bytes pass back`] : []),
  ];
  if (small.length === 0) return asked.pass(`${mtuToPeer} bytes there, ${mtuFromPeer ?? '?'} back`);
  return asked.fail(
    `only ${small.join(', ')}, of an estimate of ${estimatedMtu}: large packets vanish`,
    'Lower spec.mtu of the tunnel on both routers to 80 bytes more than what passes, or mend the network below.',
  );
}
