/** What a sink of the audit log puts into a topic about instances (Cloud Audit Logs, LogEntry; Compute Engine audit log methods). Pure. */
import type { ControlPlane } from '../control-plane.ts';
import type { News } from '../news.ts';

const METHODS = { running: 'start', stopped: 'stop', terminated: 'delete' } as const;

export function entryOf({ config, clock }: ControlPlane): (news: News) => string {
  const instances = new Map(config.instances.map(({ name, instanceId }) => [name, instanceId]));
  return (news) => {
    const method = news.kind === 'machine' ? METHODS[news.state] : 'updateNetworkInterface';
    return JSON.stringify({
      logName: `projects/${config.account}/logs/cloudaudit.googleapis.com%2Factivity`,
      resource: { type: 'gce_instance', labels: { project_id: config.account } },
      severity: 'NOTICE',
      timestamp: new Date(clock.now()).toISOString(),
      protoPayload: {
        '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
        serviceName: 'compute.googleapis.com',
        methodName: `v1.compute.instances.${method}`,
        resourceName: instances.get(news.name) ?? '',
      },
    });
  };
}
