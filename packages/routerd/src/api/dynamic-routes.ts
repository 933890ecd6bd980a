/** What the daemon answers about dynamic parts and the configuration that they make. */
import type { DerivedConfig } from '../derived-config.ts';
import type { NodeView } from '../views/node-view.ts';
import { diffView, effectiveView, partDetails, partsView } from '../views/dynamic-view.ts';
import type { ApiAnswer, Route } from './http-server.ts';

/** `derived`: what the last pass derived; undefined before the first. */
export function dynamicRoutes({ derived, pools }: Pick<NodeView, 'derived' | 'pools'>): readonly Route[] {
  const answer = (show: (config: DerivedConfig) => ApiAnswer): ApiAnswer => {
    const config = derived();
    return config === undefined ? NOT_YET : show(config);
  };
  return [
    {
      method: 'GET',
      pattern: '/v1/dynamic/parts',
      handle: ({ query }) => answer((config) => parts(config, pools, query.get('source'))),
    },
    {
      method: 'GET',
      pattern: '/v1/config/effective',
      handle: () => answer((config) => ({ status: 200, body: effectiveView(config) })),
    },
    {
      method: 'GET',
      pattern: '/v1/config/diff',
      handle: () => answer((config) => ({ status: 200, body: diffView(config) })),
    },
  ];
}

const NOT_YET: ApiAnswer = {
  status: 503,
  fault: {
    code: 'dynamic.not-yet',
    message: 'The daemon has just started and has derived nothing yet.',
    remedy: 'Ask again in a moment.',
  },
};

function parts(config: DerivedConfig, pools: NodeView['pools'], source: string | null): ApiAnswer {
  if (source === null) return { status: 200, body: { items: partsView(config, pools) } };
  const items = partDetails(config, pools, source);
  if (items.length > 0) return { status: 200, body: { items } };
  const known = [...new Set(config.parts.map((part) => part.source))].toSorted();
  return {
    status: 404,
    fault: {
      code: 'dynamic.unknown-source',
      message: `No dynamic part comes from "${source}".`,
      remedy: known.length === 0 ? 'There are none.' : `Sources: ${known.join(', ')}.`,
    },
  };
}
