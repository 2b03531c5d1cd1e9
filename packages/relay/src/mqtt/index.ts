// The bridge to an MQTT broker, on Node: an entry of its own, so that nobody else loads it.
export { mqttBridge } from './bridge.ts';
export type { MqttOptions } from './options.ts';
