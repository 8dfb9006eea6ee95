// A process of its own, as an app is: signs with a key of the vault that it was given, by its managed identity, and prints the signature.
import { vaultSigner } from '../../shared/certificates/key-vault-signer.ts';
import { appIdentity } from '../../shared/storage/credential.ts';

const [url = '', key = '', text = ''] = process.argv.slice(2);
const signature = await vaultSigner({ url, credential: appIdentity() })(key)(Buffer.from(text));
process.stdout.write(signature.toString('base64'));
