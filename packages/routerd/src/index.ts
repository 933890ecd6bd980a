export { composeNode, type NodeAdapters, type RoutingNode } from './compose-node.ts';
export { nodeSettings, type NodeSettings, type SettingsFault } from './node-settings.ts';
export { watchLans, type LanWatch } from './lan-watch.ts';
