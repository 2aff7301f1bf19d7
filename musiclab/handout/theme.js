// Light or dark: as the system has it, until somebody says otherwise.

const KEY = "musiclab:theme";

function chosen() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** The switch between light and dark; the page's first colour is set in its head, before anything is drawn. */
export function createThemeSwitch(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const theme = chosen() ?? (system.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", theme === "dark" ? "light page" : "dark page");
  };
  button.addEventListener("click", () => {
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, other);
    } catch {
      document.documentElement.dataset.theme = other;  // for as long as the page is open
      return;
    }
    apply();
  });
  system.addEventListener("change", apply);
  apply();
}
