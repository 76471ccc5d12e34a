/** Version of the package; a test holds it to that of the manifests. */
export const VERSION = "0.1.0";
