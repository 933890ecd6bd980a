/** What the API shows of plugins and their runs. */
import type { PluginRun, PluginView, RunOutcome, SubscriptionView } from '@routerd/observers';
import { formatInstant, ofKind, type Resource, type ResourceOf } from '@routerd/resources';

/** GET /v1/plugins: every plugin of startup-config by name; those that only execute have neither triggers nor runs. */
export function pluginsView(startup: readonly Resource[], observing: readonly PluginView[]): unknown {
  const views = new Map(observing.map((view) => [view.plugin.metadata.name, view]));
  const items = ofKind(startup, 'Plugin')
    .map(({ metadata, spec }) => {
      const view = views.get(metadata.name);
      return {
        name: metadata.name,
        executable: spec.executable,
        capabilities: spec.capabilities,
        triggers: view?.triggers ?? [],
        running: view?.isRunning ?? false,
        following: view?.isFollowing ?? false,
        ...(view?.nextAt === undefined ? {} : { nextAt: view.nextAt }),
        ...(view?.lastRun === undefined ? {} : { lastRun: runView(view.lastRun) }),
      };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { items };
}

/** GET /v1/plugins/:name/runs, newest first. */
export function runView(run: Omit<PluginRun, 'id'> & { readonly id?: number }): unknown {
  return run;
}

/** POST /v1/plugins/:name/run: all there is to say about one run. */
export function outcomeView({ request, run, part }: RunOutcome): unknown {
  return {
    request,
    run: runView(run),
    ...(part === undefined
      ? {}
      : { part: { ...part, observedAt: formatInstant(part.observedAt), expiresAt: formatInstant(part.expiresAt) } }),
  };
}

type Status = Readonly<Record<string, unknown>> & { readonly phase: string; readonly summary: string };

/** Status of a Plugin that observes. */
export function pluginStatus({ metadata, spec }: ResourceOf<'Plugin'>, views: readonly PluginView[]): Status {
  const view = views.find(({ plugin }) => plugin.metadata.name === metadata.name);
  const run = view?.lastRun;
  if (view === undefined || run === undefined) return { phase: 'Applied', summary: spec.capabilities.join(', ') };
  const failed = run.result === 'Failed' || run.result === 'Rejected';
  // One that follows began to wait long before it looked.
  const lastRunAt = run.trigger === 'follow' ? run.endedAt : run.startedAt;
  return {
    phase: failed ? 'Degraded' : 'Applied',
    summary: failed ? `${run.result.toLowerCase()}: ${run.message}` : `last run ${formatInstant(lastRunAt)}`,
    lastResult: run.result,
    lastRunAt,
    ...(view.nextAt === undefined ? {} : { nextRunAt: view.nextAt }),
    ...(run.part === undefined ? {} : { part: run.part }),
  };
}

/** Status of an EventSubscription. */
export function subscriptionStatus(
  { metadata }: ResourceOf<'EventSubscription'>,
  views: readonly SubscriptionView[],
): Status {
  const view = views.find(({ name }) => name === metadata.name);
  if (view === undefined) return { phase: 'Idle', summary: 'nothing listens' };
  const { phase, plugin, matched, waiting, givenUp, message } = view;
  const counts = `${matched} matched, ${waiting} waiting${givenUp === 0 ? '' : `, ${givenUp} given up`}`;
  return {
    phase,
    summary: phase === 'Degraded' ? `${counts}: ${message}` : `${counts}, handed to ${plugin}`,
    matchedEvents: matched,
    waitingEvents: waiting,
    givenUpEvents: givenUp,
  };
}
