// Submits the form of the page as a click on its button would.
document.querySelector('button[type=submit]').click()
