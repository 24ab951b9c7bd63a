// `postpack`: package.json as it was before `prepack`.
import { restoreManifest } from './manifest.mjs';

restoreManifest();
