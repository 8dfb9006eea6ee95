/** `npm run before-removal`: azd runs it before it deletes a deployment. */
console.log(`Let the PCs go first. A PC whose server is gone stays enrolled, and only somebody at the PC can end that:
  node lanyard devices
  node lanyard unenroll DEVICE        for each, and wait until it has come for it
docs/deployment.md, "Taking it down", says the rest: the lock, the vault, and how to come back.`);
