export { composeNode, type NodeAdapters, type RoutingNode } from './compose-node.ts';
export { nodeSettings, type NodeSettings, type SettingsFault } from './node-settings.ts';
export { watchLans, type LanWatch } from './lan-watch.ts';
export { mobilityRoutes } from './api/mobility-routes.ts';
export { explainView, type Explanation } from './views/explain-view.ts';
export type { Route } from './api/http-server.ts';
export { orderRoutes, type OrderRoutesPorts } from './api/order-routes.ts';
