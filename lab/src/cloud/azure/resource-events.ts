/** What Event Grid tells of resources ("Azure subscription as an Event Grid source"), in its own schema. Pure. */
import { createHash } from 'node:crypto';
import type { ControlPlane } from '../control-plane.ts';
import type { News } from '../news.ts';

const MACHINES = 'Microsoft.Compute/virtualMachines';
const OPERATIONS = {
  running: ['ResourceActionSuccess', `${MACHINES}/start/action`],
  stopped: ['ResourceActionSuccess', `${MACHINES}/deallocate/action`],
  terminated: ['ResourceDeleteSuccess', `${MACHINES}/delete`],
} as const;

export function resourceEventOf({ config, clock }: ControlPlane): (news: News) => string {
  return (news) => {
    const isMachine = news.kind === 'machine';
    const [type, operationName] = isMachine
      ? OPERATIONS[news.state]
      : (['ResourceWriteSuccess', 'Microsoft.Network/networkInterfaces/write'] as const);
    const eventTime = new Date(clock.now()).toISOString();
    const subject = isMachine ? news.instanceId : news.nicId;
    return JSON.stringify({
      id: createHash('sha256')
        .update(`${eventTime} ${JSON.stringify(news)}`)
        .digest('hex')
        .slice(0, 32),
      topic: `/subscriptions/${config.account}/resourceGroups/${config.scope}`,
      subject,
      eventType: `Microsoft.Resources.${type}`,
      eventTime,
      dataVersion: '2',
      metadataVersion: '1',
      data: { operationName, resourceUri: subject, status: 'Succeeded', subscriptionId: config.account },
    });
  };
}
