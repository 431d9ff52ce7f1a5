from sweep_ft.command import main

main()
