import type { ActionRow, AttemptRow } from '@routerd/actions';

/** One action as the API shows it. */
export function actionView(row: ActionRow): unknown {
  const { proposal } = row;
  return {
    id: row.id,
    idempotencyKey: proposal.idempotencyKey,
    pool: proposal.pool,
    provider: proposal.provider,
    providerRef: proposal.providerRef,
    nicRef: proposal.nicRef,
    verb: proposal.verb,
    address: proposal.address,
    captureDomain: proposal.captureDomain,
    captureEpoch: proposal.captureEpoch,
    captureHolder: proposal.captureHolder,
    ...(proposal.seize === undefined ? {} : { seizeFrom: proposal.seize.from }),
    riskLevel: proposal.riskLevel,
    status: row.status,
    ...(row.approvedBy === undefined ? {} : { approvedBy: row.approvedBy }),
    attempts: row.attempts,
    ...(row.nextAttemptAt === undefined ? {} : { nextAttemptAt: row.nextAttemptAt }),
    ...(row.errorClass === undefined ? {} : { errorClass: row.errorClass }),
    message: row.message,
    observed: row.observed,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

export function attemptView({ attempt, actionIds, startedAt, endedAt, outcome }: AttemptRow): unknown {
  return {
    attempt,
    actionIds,
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}
