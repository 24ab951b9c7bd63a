// What a terminal or a service manager tells a whole group of processes is the parent's to answer: a child ends with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
