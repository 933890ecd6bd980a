/** GET /v1/overlay/peers: the paths to overlay peers in numbers, as they are now. */
import type { NodeView } from '../views/node-view.ts';
import { overlayPeersView } from '../views/overlay-view.ts';
import type { Route } from './http-server.ts';

export function overlayRoutes(node: NodeView): readonly Route[] {
  return [
    {
      method: 'GET',
      pattern: '/v1/overlay/peers',
      handle: () => ({ status: 200, body: overlayPeersView(node) }),
    },
  ];
}
