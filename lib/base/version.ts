/** The version of this program; artifacts carry it, and only the version that made one loads it. */
export const VERSION = "0.1.0";
