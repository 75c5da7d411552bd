// The theme that was chosen here before, or the system's.
document.documentElement.dataset.theme = localStorage.getItem('tsd-theme') ?? 'os';
