// Loaded into a server process before it starts (NODE_OPTIONS=--import), by tests that need one with something wrong.

/** Its clock on the wall is so many milliseconds ahead. */
const skewMs = Number(process.env.TEST_CLOCK_SKEW_MS ?? 0);
if (skewMs !== 0) {
  const now = Date.now;
  Date.now = () => now() + skewMs;
}

/** What is replicated to it under names that begin so is lost on the way, and nobody notices: it takes no comparison either. */
const forgotten = process.env.TEST_FORGETS;
if (forgotten && /\/apps\/data\//.test(process.argv[1] ?? '')) {
  const { DataCore } = await import('#registry');
  const { step } = DataCore.prototype;
  DataCore.prototype.step = function (nowMs, event) {
    const { message } = event;
    if (message?.kind === 'compare') return [];
    if (message?.kind !== 'replicate') return step.call(this, nowMs, event);
    const operations = message.operations.map((operation) => {
      const { dataInfoId } = operation.publication ?? operation;
      if (!dataInfoId.startsWith(forgotten)) return operation;
      return {
        op: 'unpublish',
        registerId: 'nobody',
        dataInfoId,
        stamp: [1, 1, 1],
        cause: 'unpublish',
        by: operation.by,
      };
    });
    return step.call(this, nowMs, { ...event, message: { ...message, operations } });
  };
}
