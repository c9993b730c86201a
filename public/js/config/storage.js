// What the browser keeps for us. It may be full or forbidden: the page works without.

function attempt(area, act) {
  try {
    return act(window[area])
  } catch {
    return null
  }
}

/** @param {StorageArea} area @param {string} key @returns {string | null} */
export const readStored = (area, key) => attempt(area, (storage) => storage.getItem(key))

/** @param {StorageArea} area @param {string} key @param {string} value */
export const keepStored = (area, key, value) => {
  attempt(area, (storage) => storage.setItem(key, value))
}

/** @param {StorageArea} area @param {string} key */
export const dropStored = (area, key) => {
  attempt(area, (storage) => storage.removeItem(key))
}
