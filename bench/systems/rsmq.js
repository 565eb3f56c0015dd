import RSMQ from 'rsmq';
import { sleep } from '../clock.js';

/** rsmq has no workers, only polling: these are the loops of its readme. Its messages are strings. @type {import('./index.js').System} */
export const system = {
  title: 'rsmq',
  async producer(address, qname) {
    const rsmq = await open(address, qname);
    return {
      put: (payload) => rsmq.sendMessageAsync({ qname, message: JSON.stringify(payload) }),
      close: () => rsmq.quitAsync(),
    };
  },
  async consumer(address, qname, { concurrency, handle }) {
    const rsmq = await open(address, qname);
    let isClosing = false;
    const loop = async () => {
      while (!isClosing) {
        const received = await rsmq.receiveMessageAsync({ qname });
        if (received.id === undefined) await sleep(10);
        else {
          await handle(JSON.parse(received.message));
          await rsmq.deleteMessageAsync({ qname, id: received.id });
        }
      }
    };
    const loops = Promise.all(Array.from({ length: concurrency }, loop));
    return {
      async close() {
        isClosing = true;
        await loops;
        await rsmq.quitAsync();
      },
    };
  },
  async left(address, qname) {
    const rsmq = await open(address, qname);
    return async () => (await rsmq.getQueueAttributesAsync({ qname })).msgs; // includes active messages
  },
};

async function open(address, qname) {
  const rsmq = new RSMQ({ ...address, ns: 'rsmq' });
  await rsmq.createQueueAsync({ qname, maxsize: -1 }).catch((error) => {
    if (error.name !== 'queueExists') throw error;
  });
  return rsmq;
}
