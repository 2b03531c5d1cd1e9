// The MQTT bridge of the command line: loaded where it is asked for, and by nobody else.
import { Failure } from '@godwit/core';
import { assertMqttOptions } from '../mqtt/options.ts';
import type { Bridge } from './bridges.ts';

/**
 * The bridges that the options ask for.
 *
 * @throws Failure `InvalidOptions`
 */
export async function bridgesOf(mqtt: unknown): Promise<readonly Bridge[]> {
  if (mqtt === undefined) return [];
  assertMqttOptions(mqtt);
  const { mqttBridge } = await import('../mqtt/bridge.ts').catch((error: unknown) => {
    throw new Failure('InvalidOptions', '--mqtt needs the package mqtt beside the relay: npm install mqtt@5', {
      cause: error,
    });
  });
  return [mqttBridge(mqtt)];
}
