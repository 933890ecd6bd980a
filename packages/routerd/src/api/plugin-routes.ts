/** What the daemon answers about plugins that observe. */
import type { Observers } from '@routerd/observers';
import { ofKind, type Resource } from '@routerd/resources';
import { z } from 'zod';
import { outcomeView, pluginsView, runView } from '../views/plugin-view.ts';
import type { ApiAnswer, ApiFault, Route } from './http-server.ts';

export function pluginRoutes(startup: readonly Resource[], observers: Observers): readonly Route[] {
  return [
    { method: 'GET', pattern: '/v1/plugins', handle: () => done(pluginsView(startup, observers.plugins())) },
    {
      method: 'GET',
      pattern: '/v1/plugins/:name/runs',
      handle: ({ params }) => runsOf(startup, observers, params['name'] ?? ''),
    },
    {
      method: 'POST',
      pattern: '/v1/plugins/:name/run',
      handle: async ({ params, body }) => run(observers, params['name'] ?? '', body),
    },
  ];
}

function done(body: unknown): ApiAnswer {
  return { status: 200, body };
}

function refused(status: 400 | 404 | 409, fault: ApiFault): ApiAnswer {
  return { status, fault };
}

function runsOf(startup: readonly Resource[], observers: Observers, name: string): ApiAnswer {
  if (!ofKind(startup, 'Plugin').some(({ metadata }) => metadata.name === name))
    return refused(404, {
      code: 'plugin.not-found',
      message: `There is no plugin "${name}".`,
      remedy: 'List them with `routerctl plugin list`.',
    });
  return done({ items: observers.runs(name).map(runView) });
}

const runBody = z.strictObject({ mode: z.enum(['dry-run', 'apply']) });

async function run(observers: Observers, name: string, body: unknown): Promise<ApiAnswer> {
  const parsed = runBody.safeParse(body);
  if (!parsed.success)
    return refused(400, { code: 'plugin.mode-missing', message: 'Say which mode: dry-run or apply.' });
  const outcome = await observers.run(name, parsed.data.mode);
  if (outcome.ok) return done(outcomeView(outcome.value));
  return refused(outcome.error.code === 'plugin.not-found' ? 404 : 409, outcome.error);
}
