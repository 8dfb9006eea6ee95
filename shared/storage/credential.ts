import type { TokenCredential } from '@azure/identity';

/**
 * The managed identity of the app, or outside Azure whoever is signed in (Azure CLI and the like).
 * @azure/identity is the heaviest package of the product: it is loaded with the first token, so that no start waits for it.
 *
 * @param clientId names a user-assigned identity; AZURE_CLIENT_ID where it is left out
 */
export function appIdentity(clientId = process.env['AZURE_CLIENT_ID']): TokenCredential {
  let loaded: Promise<TokenCredential> | undefined;
  return {
    async getToken(scopes, options) {
      loaded ??= load(clientId || undefined).catch((error) => {
        loaded = undefined;
        throw error;
      });
      return (await loaded).getToken(scopes, options);
    },
  };
}

async function load(clientId: string | undefined): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const user = clientId === undefined ? {} : { clientId };
  if (process.env['IDENTITY_ENDPOINT']) return new ManagedIdentityCredential(user);
  return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
}
