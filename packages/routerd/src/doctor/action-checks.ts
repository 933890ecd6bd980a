/** Checks of provider actions, and of what this node holds against what it really captures. */
import { ofKind } from '@routerd/resources';
import type { ActionFact, DoctorFacts, HoldingFact } from './doctor-facts.ts';
import { check, type Finding } from './finding.ts';

export function actionFindings(facts: DoctorFacts): readonly Finding[] {
  const { actions, holdings } = facts;
  const failed = actions.filter(({ status }) => status === 'failed');
  const waiting = actions.filter(({ status }) => status === 'pending' || status === 'approved');
  const none = check('actions', 'failed', 'journal');
  return [
    ...(failed.length === 0 ? [none.pass('no action has failed')] : failed.map(failedAction)),
    ...waiting.map(waitingAction),
    ...actions.flatMap(staleAction),
    ...holdings.flatMap(holdingFindings),
    ...parkedFailover(facts),
  ];
}

function nameOf({ id, proposal }: ActionFact): string {
  return `action ${id} ${proposal.verb} ${proposal.address ?? proposal.nicRef}`;
}

function failedAction(action: ActionFact): Finding {
  return check('actions', 'failed', nameOf(action)).fail(
    action.message,
    `Mend the cause, of which \`routerctl action show ${action.id}\` says more, then \`routerctl action retry ${action.id}\`.`,
  );
}

function waitingAction(action: ActionFact): Finding {
  return check('actions', 'waiting', nameOf(action)).warn(
    action.message === '' ? action.status : action.message,
    action.status === 'pending'
      ? `See \`routerctl action show ${action.id}\`: the gate that holds it is named there.`
      : 'It is about to run; if it stays so, see `routerctl status`.',
  );
}

/** What is not over yet and has an epoch that another tenure has overtaken will never run. */
function staleAction(action: ActionFact): readonly Finding[] {
  const { status, proposal, currentEpoch } = action;
  const isOpen = status === 'pending' || status === 'approved' || status === 'running';
  if (!isOpen || proposal.captureEpoch === undefined) return [];
  const asked = check('actions', 'epoch', nameOf(action));
  if (currentEpoch === undefined || currentEpoch <= proposal.captureEpoch)
    return [asked.pass(`its epoch ${proposal.captureEpoch} is current`)];
  return [
    asked.warn(
      `its epoch ${proposal.captureEpoch} is older than ${currentEpoch}`,
      'It is fenced and ends as skipped (stale mobility capture epoch); nothing is to be done.',
    ),
  ];
}

/** Held means: an executor said so, and a reading confirmed it. */
function holdingFindings({ pool, address, phase, isCaptured }: HoldingFact): readonly Finding[] {
  if (phase !== 'held') return [];
  const asked = check('actions', 'holder', `${pool} ${address}`);
  if (isCaptured === undefined) return [asked.skip('it is not known what this router captures')];
  if (isCaptured) return [asked.pass('this router holds it, and captures it')];
  return [
    asked.fail(
      `the registry says that this router captures ${address}, and it does not`,
      `See \`routerctl explain ${address}\`; somebody took it off, or gave it to another NIC.`,
    ),
  ];
}

/** A fail-over that waits for a person is none. */
function parkedFailover({ effective }: DoctorFacts): readonly Finding[] {
  const pools = ofKind(effective, 'MobilityPool').filter(({ spec }) =>
    spec.members.some(({ capture }) => capture.type === 'provider-secondary-ip'),
  );
  if (pools.length === 0) return [];
  return ofKind(effective, 'ProviderActionPolicy').map(({ metadata, spec }) => {
    const asked = check('actions', 'policy', `ProviderActionPolicy/${metadata.name}`);
    if (!spec.enabled)
      return asked.warn('it is disabled: no address is ever moved', 'Set spec.enabled when you are ready.');
    if (spec.dryRunOnly)
      return asked.warn('it allows dry runs alone: no address is ever moved', 'Set spec.dryRunOnly: false.');
    if (spec.requireApproval)
      return asked.fail(
        'every action waits for approval, so no router takes over by itself',
        'Set spec.requireApproval: false, or be there: `routerctl action list --status pending` names what to approve.',
      );
    return asked.pass('actions run by themselves within its bounds');
  });
}
