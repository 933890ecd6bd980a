export { composeNode, type NodeAdapters, type RoutingNode } from './compose-node.ts';
export { nodeSettings, type NodeSettings, type SettingsFault } from './node-settings.ts';
export { watchLans, type LanWatch } from './lan-watch.ts';
export { createMemoryOrders, type MemoryOrders } from './adapters/memory/memory-orders.ts';
export { noOrders, type OrderOutcome, type OrderRegistry } from './order-registry.ts';
export { mobilityRoutes } from './api/mobility-routes.ts';
export { explainView, type Explanation } from './views/explain-view.ts';
