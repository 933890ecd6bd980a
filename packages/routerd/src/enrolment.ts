/** A door for routerctl: what an operator does about keys, without a daemon. */
export {
  addNode,
  encodeToken,
  finishRotation,
  groupRoster,
  initGroup,
  joinGroup,
  peersFile,
  publishRoster,
  removeNode,
  rotateNode,
  surveyHubs,
  updatePeers,
  type HubAddress,
} from '@routerd/federation';
